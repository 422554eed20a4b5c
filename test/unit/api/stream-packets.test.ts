import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesField, numberField } from '#engine/api/protobuf-wire.ts';
import { type StreamedAnswer, splitAnswer } from '#engine/api/stream-packets.ts';

/** What a packet takes on the wire. */
function sizeBytes({ items, metrics, partialMessage }: StreamedAnswer): number {
  const ending = partialMessage === undefined ? [] : [numberField(3, 1), bytesField(4, Buffer.from(partialMessage))];
  return Buffer.concat([...items.map((item) => bytesField(1, item)), bytesField(2, metrics), ...ending]).length;
}

const metrics = Buffer.from('0123456789');
const items = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 40 });

test('packets keep the order of items, the limit, the metrics, and the message for the last one', () => {
  const property = fc.property(
    items,
    fc.integer({ min: 1, max: 1000 }),
    fc.option(fc.string(), { nil: undefined }),
    (list, maxBytes, text) => {
      const packets = splitAnswer({ items: list, metrics, ...(text === undefined ? {} : { partialMessage: text }) }, maxBytes);
      assert.deepEqual(
        packets.flatMap((packet) => packet.items),
        list,
      );
      assert.ok(packets.every((packet) => packet.metrics === metrics));
      assert.ok(packets.every((packet) => packet.items.length <= 1 || sizeBytes(packet) <= maxBytes));
      assert.ok(packets.length === 1 || packets.every((packet) => packet.items.length > 0));
      assert.deepEqual(
        packets.map(({ partialMessage }) => partialMessage),
        packets.map((_, index) => (index === packets.length - 1 ? text : undefined)),
      );
    },
  );
  fc.assert(property);
});

test('no limit, and nothing to send', () => {
  assert.equal(splitAnswer({ items: [new Uint8Array(1 << 20), new Uint8Array(1 << 20)], metrics }, 0).length, 1);
  assert.deepEqual(splitAnswer({ items: [], metrics }, 10), [{ items: [], metrics }]);
});
