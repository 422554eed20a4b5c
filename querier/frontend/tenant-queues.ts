/** What a queue must know of its items. */
export interface Queued {
  /** Name of its queue: the tenant, or several joined with `|`. */
  readonly tenant: string;
  /** What it counts of a batch, at least 1. */
  readonly weight: number;
}

/** One first-in-first-out list per tenant, tenants served round robin (spec read-path §3.5). */
export interface TenantQueues<Item extends Queued> {
  /** False where the tenant has as many waiting as it may. */
  readonly push: (item: Item) => boolean;
  /** Takes an item out that nobody waits for any more; nothing happens where it is not there. */
  readonly remove: (item: Item) => void;
  /** The next items of the tenant whose turn it is, at most `maxCount`, until their weights reach `maxWeight`. None where all lists are empty. */
  readonly take: (maxCount: number, maxWeight: number) => Item[];
  readonly isEmpty: () => boolean;
  /** Takes out everything. */
  readonly clear: () => Item[];
}

/** Starts with nothing. `onLength` is told of each change. */
export function createTenantQueues<Item extends Queued>(options: {
  readonly maxOutstandingPerTenant: number;
  readonly onLength: (tenant: string, length: number) => void;
}): TenantQueues<Item> {
  // A Map keeps insertion order: the tenant that was served goes to the back. So does a Set, and it loses items from the middle cheaply.
  const tenants = new Map<string, Set<Item>>();
  const { maxOutstandingPerTenant, onLength } = options;
  return {
    push: (item) => {
      let list = tenants.get(item.tenant);
      if (list === undefined) tenants.set(item.tenant, (list = new Set()));
      if (list.size >= maxOutstandingPerTenant) return false;
      list.add(item);
      onLength(item.tenant, list.size);
      return true;
    },
    remove: (item) => {
      const list = tenants.get(item.tenant);
      if (list?.delete(item) !== true) return;
      if (list.size === 0) tenants.delete(item.tenant);
      onLength(item.tenant, list.size);
    },
    take: (maxCount, maxWeight) => {
      const next = tenants.entries().next().value;
      if (next === undefined) return [];
      const [tenant, list] = next;
      const taken: Item[] = [];
      let weight = 0;
      for (const item of list) {
        if (taken.length >= maxCount || weight >= maxWeight) break;
        taken.push(item);
        weight += item.weight;
        list.delete(item);
      }
      tenants.delete(tenant);
      if (list.size > 0) tenants.set(tenant, list);
      onLength(tenant, list.size);
      return taken;
    },
    isEmpty: () => tenants.size === 0,
    clear: () => {
      const all = [...tenants.values()].flatMap((list) => [...list]);
      for (const tenant of tenants.keys()) onLength(tenant, 0);
      tenants.clear();
      return all;
    },
  };
}
