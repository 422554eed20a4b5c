/** Bundles the search function into dist/local when a source is newer than the bundle. Throws when that fails. */
export function buildFunction(): void;
