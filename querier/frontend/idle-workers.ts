/** Streams that wait for jobs, queriers in turn, so that one with many streams does not get everything. */
export interface IdleWorkers<Worker> {
  readonly add: (worker: Worker) => void;
  readonly remove: (worker: Worker) => void;
  /** The one that has waited longest of the querier whose turn it is; undefined when all are busy. */
  readonly take: () => Worker | undefined;
}

/** Starts without streams; `clientOf` tells whose a stream is. */
export function createIdleWorkers<Worker>(clientOf: (worker: Worker) => string): IdleWorkers<Worker> {
  // Maps and Sets keep insertion order: the querier that was served goes to the back.
  const clients = new Map<string, Set<Worker>>();
  return {
    add: (worker) => {
      const client = clientOf(worker);
      const waiting = clients.get(client);
      if (waiting === undefined) clients.set(client, new Set([worker]));
      else waiting.add(worker);
    },
    remove: (worker) => {
      const client = clientOf(worker);
      const waiting = clients.get(client);
      if (waiting?.delete(worker) === true && waiting.size === 0) clients.delete(client);
    },
    take: () => {
      const next = clients.entries().next().value;
      if (next === undefined) return undefined;
      const [client, waiting] = next;
      const worker = waiting.values().next().value!;
      waiting.delete(worker);
      clients.delete(client);
      if (waiting.size > 0) clients.set(client, waiting);
      return worker;
    },
  };
}
