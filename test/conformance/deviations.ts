const olderColumns = 'Tempo 2.7.2 refuses to look for events and instrumentation in vParquet2 and 3; Rubato finds none, as 3.0.3 does';
const secondPass = 'Tempo 3.0.3 cannot show these fields by select() and fails; Rubato shows them';
const negated = 'negated structural operators return fewer traces in Tempo 2.7.2; Rubato follows 3.0.3';
const vParquet2 = 'Tempo 3.0.3 refuses vParquet2; Rubato reads it';

/** Recorded cases that are answered otherwise on purpose: id → why. A case that is listed here and passes is an error too. */
export const deviations: Readonly<Record<string, string>> = {
  'search-errors-0023': secondPass,
  'search-errors-0024': secondPass,
  'search-errors-0025': secondPass,
  'search-errors-0071': vParquet2,
  'search-errors-0072': vParquet2,
  'search-traceql-2.7.2-0057': 'Tempo 2.7.2 compares trace ids without their leading zeros; Rubato decodes the literal, as 3.0.3 does',
  'search-traceql-2.7.2-0718': negated,
  'search-traceql-2.7.2-0768': negated,
  'serverless-0070': olderColumns,
  'serverless-0072': olderColumns,
  'serverless-0073': olderColumns,
  'serverless-0075': olderColumns,
  'serverless-0151': olderColumns,
  'serverless-0136': 'the text names the store, which was S3 when this was recorded',
};
