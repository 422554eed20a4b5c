import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReplyParser, type Reply } from '#engine/cache/memcached-reply.ts';

const values = Buffer.from('VALUE a 0 3\r\n\r\n!\r\nVALUE b:c 0 0\r\n\r\nVALUE d 1 5 99\r\nEND\r\n\r\nEND\r\n');

/** What a reply is when it comes in pieces of that many bytes. */
function parse(bytes: Buffer, pieceBytes: number): Reply | undefined {
  const take = createReplyParser();
  let reply: Reply | undefined;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    assert.equal(reply, undefined, 'a reply before its end');
    reply = take(bytes.subarray(at, at + pieceBytes));
  }
  return reply;
}

test('values are taken whole, however they come', () => {
  for (let pieceBytes = 1; pieceBytes <= values.length; pieceBytes++) {
    const reply = parse(values, pieceBytes);
    assert.ok(reply?.kind === 'values');
    const found = [...reply.values].map(([key, value]) => [key, Buffer.from(value).toString()]);
    assert.deepEqual(found, [
      ['a', '\r\n!'],
      ['b:c', ''],
      ['d', 'END\r\n'],
    ]);
  }
});

test('other replies are their line, and a parser takes one after the other', () => {
  const take = createReplyParser();
  for (const line of ['STORED', 'SERVER_ERROR out of memory storing object', 'ERROR']) {
    assert.equal(take(Buffer.from(line)), undefined);
    assert.deepEqual(take(Buffer.from('\r\n')), { kind: 'line', line });
    assert.deepEqual(take(Buffer.from('END\r\n')), { kind: 'values', values: new Map() });
  }
});

test('what is no reply is an error', () => {
  for (const text of [
    'END\r\nEND\r\n', // nobody asked for the second
    'VALUE a 0 3\r\nabcd\r\nEND\r\n', // longer than announced
    'VALUE a 0 3\r\nabc\r\nSTORED\r\n', // a line among values
    'VALUE a 0 99999999999\r\n',
    'x'.repeat(3000),
  ]) {
    assert.throws(() => createReplyParser()(Buffer.from(text)), Error, text.slice(0, 50));
  }
});
