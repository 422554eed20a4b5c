/** Why a group of recorded cases is answered otherwise on purpose, and which cases they are. docs/traceql.md tells users of the same decisions. */
interface Deviation {
  readonly why: string;
  readonly ids: readonly string[];
}

function of(group: string, ...numbers: readonly string[]): readonly string[] {
  return numbers.map((number) => `${group}-${number}`);
}

const search = (...numbers: readonly string[]) => of('search-traceql', ...numbers);
const search27 = (...numbers: readonly string[]) => of('search-traceql-2.7.2', ...numbers);

const groups: readonly Deviation[] = [
  {
    why: 'ids with leading zeros: Tempo strips the zeros of the literal before it compares stored bytes, so such ids are never found',
    ids: [...search('0105', '0107', '0108', '0148'), ...search27('0066', '0069')],
  },
  { why: 'Tempo takes a pattern on link:traceID for an id; Rubato matches the printed id', ids: search('0154') },
  {
    why: 'two != on one event field become "not in" in Tempo, which spans without events satisfy too',
    ids: search('0131', '0134'),
  },
  {
    why: 'one event has both values, yet Tempo finds none when two conditions name different attributes of it',
    ids: search('0718', '0720', '0721'),
  },
  {
    why: 'a page that holds a span or event before its start has a wrapped maximum: Tempo takes it for negative and passes the page over',
    ids: search('0135', '0137', '0140', '0141', '0142', '0144', '0145', '1194', '1197', '1199', '1340', '1493', '1513'),
  },
  {
    why: 'for `= nil` beside another condition Tempo loses the first match of every job; Rubato is complete',
    ids: search('0286', '0336', '0337', '0354', '0357', '0532', '0534', '0535', '0793', '0795', '0837', '0838', '0840'),
  },
  { why: 'Tempo never finds spans whose scope lacks an instrumentation attribute', ids: search('0873', '0874', '0875') },
  {
    why: 'an unscoped attribute is nil for Tempo when either span or resource lacks it; for Rubato when both do',
    ids: [...search('0416', '0417', '0422'), ...search27('0347')],
  },
  {
    why: 'Tempo looks at the dedicated column only: values of other types, and span values that hide those of the resource, are not seen',
    ids: [...search('0359', '0360', '0366', '0394', '1008', '1009', '1109', '1110', '1113'), 'serverless-0066'],
  },
  {
    why: 'of an array in a dedicated column Tempo keeps the last element that satisfies a condition; Rubato shows and compares all of them',
    ids: search('0479', '0489', '0582'),
  },
  { why: 'Tempo swaps the operands of ^ between integers', ids: [...search('0462', '0463'), ...search27('0383')] },
  { why: 'Tempo aggregates nothing when the column of the aggregate is also tested with != nil', ids: search('1049', '1050') },
  {
    why: 'a value that an integer condition let through is compared with a float by Tempo; for Rubato a float literal never meets an integer',
    ids: search('1170'),
  },
  {
    why: 'Tempo 3.0.3 cannot show these fields by select() and fails; Rubato shows them',
    ids: of('search-errors', '0023', '0024', '0025'),
  },
  { why: 'Tempo 3.0.3 refuses vParquet2; Rubato reads it', ids: of('search-errors', '0071', '0072') },
  {
    why: 'Tempo 2.7.2 knows no tree numbers as fields in vParquet2; they are stored, so Rubato uses them',
    ids: search27('0166', '0167', '0168', '0754', '0830', '0865'),
  },
  { why: 'Tempo 2.7.2 loses matches of < and <= on names', ids: search27('0009') },
  { why: 'Tempo 2.7.2 has no = nil and != nil as 3.0.3 has them', ids: search27('0340') },
  {
    why: 'in Tempo 2.7.2 spans without a value take part in aggregates and groups otherwise; Rubato follows 3.0.3',
    ids: search27('0804', '0842', '0881'),
  },
  { why: 'Tempo 2.7.2 compares trace ids without their leading zeros; Rubato decodes the literal, as 3.0.3 does', ids: search27('0057') },
  { why: 'negated structural operators return fewer traces in Tempo 2.7.2; Rubato follows 3.0.3', ids: search27('0718', '0768') },
  { why: 'the text names the store, which was S3 when this was recorded', ids: of('serverless', '0136') },
  {
    why: 'Tempo drops the spans of blocks whose version does not store the intrinsic that series are grouped by; Rubato counts them under "nil"',
    ids: [...of('metrics-range', '0025', '0029', '0052'), ...of('metrics-instant', '0022', '0025', '0046')],
  },
  {
    why: 'in Tempo a span without the value resets a running sum_over_time; Rubato adds up the values that there are',
    ids: [...of('metrics-range', '0102', '0288'), ...of('metrics-instant', '0089')],
  },
  {
    why: 'Tempo looks at the dedicated column only; Rubato counts values of other types, too',
    ids: of('metrics-range', '0033'),
  },
  { why: 'Tempo 2.7.2 lists fewer intrinsics; Rubato lists those of 3.0.3', ids: of('tags', '0212') },
  { why: 'Tempo 2.7.2 writes whole floats without a fraction; Rubato does as 3.0.3', ids: of('tag-values', '0504') },
];

/** Recorded cases that are answered otherwise on purpose: id → why. A case that is listed here and passes is an error too. */
export const deviations: Readonly<Record<string, string>> = Object.fromEntries(
  groups.flatMap(({ why, ids }) => ids.map((id) => [id, why])),
);
