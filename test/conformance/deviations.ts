/** Recorded cases that are answered otherwise on purpose: id → why. A case that is listed here and passes is an error too. */
export const deviations: Readonly<Record<string, string>> = {
  'search-errors-0071': 'Tempo 3.0.3 refuses vParquet2; Rubato reads it',
  'search-errors-0072': 'Tempo 3.0.3 refuses vParquet2; Rubato reads it',
  'search-traceql-2.7.2-0057': 'Tempo 2.7.2 compares trace ids without their leading zeros; Rubato decodes the literal, as 3.0.3 does',
  'serverless-0136': 'the text names the store, which was S3 when this was recorded',
};
