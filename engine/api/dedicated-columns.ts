/** A dedicated attribute column of a block (spec blocks §2.1). Order decides the spare column. */
export interface DedicatedColumn {
  readonly scope: 'span' | 'resource' | 'event';
  readonly name: string;
  readonly type: 'string' | 'int';
  /** `array` and `blob`, vParquet5 only. */
  readonly options: readonly ('array' | 'blob')[];
}
