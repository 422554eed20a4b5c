import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Bounds that Go's Prometheus client takes where none are given; seconds. */
export const defaultBuckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** `count` bounds: the first one, and each the `factor` of the one before. */
export function exponentialBuckets(start: number, factor: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => start * factor ** index);
}

/** Makes metrics in one registry. A metric without labels shows 0 from the start, one with labels nothing until it is used. */
export interface Register {
  readonly counter: <Label extends string>(name: string, help: string, ...labels: Label[]) => Counter<Label>;
  readonly gauge: <Label extends string>(name: string, help: string, ...labels: Label[]) => Gauge<Label>;
  readonly histogram: <Label extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    ...labels: Label[]
  ) => Histogram<Label>;
  /** A gauge whose values are asked for when metrics are read. */
  readonly readGauge: <Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
    read: (gauge: Gauge<Label>) => void,
  ) => void;
}

/** Each area of the process registers its own metrics with this: `…-metrics.ts` beside this file. */
export function createRegister(registry: Registry): Register {
  const registers = [registry];
  return {
    counter: (name, help, ...labelNames) => new Counter({ name, help, labelNames, registers }),
    gauge: (name, help, ...labelNames) => new Gauge({ name, help, labelNames, registers }),
    histogram: (name, help, buckets, ...labelNames) => new Histogram({ name, help, buckets: [...buckets], labelNames, registers }),
    readGauge: (name, help, labelNames, read) => {
      const gauge: Gauge<(typeof labelNames)[number]> = new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers,
        collect: () => read(gauge),
      });
    },
  };
}
