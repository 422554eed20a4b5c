/** Every kind of job but searches, which are what functions are asked for most: one file of a bundle, loaded when the first of them comes. */
export { runMetricsWireJob } from './wire-metrics.ts';
export { runTagNamesWireJob, runTagValuesWireJob } from './wire-tags.ts';
export { runTraceWireJob } from './wire-trace.ts';
