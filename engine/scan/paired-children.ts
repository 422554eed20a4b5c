import type { FilteredSpans } from './filtered-slots.ts';
import { pagesOf } from './row-group.ts';
import type { ScanState } from './scan-state.ts';
import { requiredColumn } from './structure.ts';

/** Spans as a filtered request for names of every scope sees them, and byte maps of their events and links that count. */
export interface PairedChildren {
  readonly spans: FilteredSpans;
  readonly event: number;
  readonly link: number;
}

interface Children {
  readonly starts: Uint32Array;
  readonly real: Uint8Array;
}

/**
 * Where names of all scopes are asked for at once, Tempo joins events and links by their number in the span: the first event with the first link, and so on. Events
 * and links without a partner drop out, and so do spans that have only one of the two. Recorded answers say so; asking for one scope is not affected.
 */
export async function pairChildren({ state, spans }: FilteredSpans): Promise<PairedChildren> {
  const { kernels } = state.group;
  const { spanCount } = await state.structure();
  const at = kernels.alloc(spanCount);
  const eventCount = (await state.childStarts('event')).childCount;
  const linkCount = (await state.childStarts('link')).childCount;
  const eventAt = kernels.alloc(eventCount);
  const linkAt = kernels.alloc(linkCount);
  const events = await childrenOf(state, 'event');
  const links = await childrenOf(state, 'link');
  const keptSpans = kernels.u8(at, spanCount).fill(0);
  const keptEvents = kernels.u8(eventAt, eventCount).fill(0);
  const keptLinks = kernels.u8(linkAt, linkCount).fill(0);
  const matched = kernels.u8(spans, spanCount);
  for (let span = 0; span < spanCount; span++) {
    if (matched[span] === 0) continue;
    const eventsHere = realChildren(events, span);
    const linksHere = realChildren(links, span);
    if (eventsHere > 0 !== linksHere > 0) continue;
    keptSpans[span] = 1;
    const pairs = Math.min(eventsHere, linksHere);
    keptEvents.fill(1, events.starts[span]!, events.starts[span]! + pairs);
    keptLinks.fill(1, links.starts[span]!, links.starts[span]! + pairs);
  }
  return { spans: { state, spans: at }, event: eventAt, link: linkAt };
}

/** A span without children has one slot that is none. */
function realChildren({ starts, real }: Children, span: number): number {
  const first = starts[span]!;
  return real[first] === 1 ? starts[span + 1]! - first : 0;
}

/** Copies: what is read later may move the kernels' memory. */
async function childrenOf(state: ScanState, level: 'event' | 'link'): Promise<Children> {
  const { kernels } = state.group;
  const column = requiredColumn(state.group, level === 'event' ? 'rs.ss.Spans.Events.Name' : 'rs.ss.Spans.Links.SpanID');
  const pages = await pagesOf(state.group, column);
  const { starts } = await state.childStarts(level);
  const { spanCount } = await state.structure();
  const map = kernels.alloc(pages.entryCount);
  kernels.matchPresent(pages, map);
  return { starts: kernels.u32(starts, spanCount + 1).slice(), real: kernels.u8(map, pages.entryCount).slice() };
}
