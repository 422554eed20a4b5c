import { crc32 } from 'node:zlib';
import { AppError, type ErrorCode, errorCodes } from '#engine/base/errors.ts';
import { callProtocol, type FunctionAnswer, type FunctionFailure, type FunctionOutcome } from './function-call.ts';

/**
 * The bytes of an answer: `RBA1`, the length of the head (u32), the head (JSON), the bodies of the answered jobs one behind the other, a CRC-32 of all
 * before (u32). Little endian. Whatever is cut off or changed on the way is noticed.
 */
const magic = Buffer.from('RBA1');
const beforeHead = 8;
const afterBodies = 4;
/** Longest text of an error. */
const maxMessageLength = 2048;

const failures: readonly FunctionFailure[] = ['job', 'timeout', 'too_large', 'no_room'];

function outcomeHead(outcome: FunctionOutcome): readonly unknown[] {
  if (outcome.kind === 'failed') return [failures.indexOf(outcome.failure), outcome.code, outcome.message.slice(0, maxMessageLength)];
  const { answer, cost } = outcome;
  return [answer.status, answer.contentType, answer.body.length, cost.bytesRead, cost.gets, cost.durationMs];
}

/** Writes an answer. */
export function encodeAnswer({ outcomes, engine, memoryMb, elapsedMs, coldStart }: FunctionAnswer): Uint8Array {
  const fields = { protocol: callProtocol, engine, memoryMb, elapsedMs, coldStart, outcomes: outcomes.map(outcomeHead) };
  const head = Buffer.from(JSON.stringify(fields));
  const bodies = outcomes.flatMap((outcome) => (outcome.kind === 'answered' ? [outcome.answer.body] : []));
  const sizeBytes = beforeHead + head.length + bodies.reduce((total, body) => total + body.length, 0) + afterBodies;
  const bytes = Buffer.allocUnsafe(sizeBytes);
  magic.copy(bytes);
  bytes.writeUInt32LE(head.length, 4);
  head.copy(bytes, beforeHead);
  let at = beforeHead + head.length;
  for (const body of bodies) {
    bytes.set(body, at);
    at += body.length;
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(0, at)), at);
  return bytes;
}

function bad(problem: string): AppError {
  return new AppError('internal', `not an answer of protocol ${callProtocol}: ${problem}`);
}

function count(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw bad(`${what} is no number`);
  return value;
}

/** Reads an answer to a call of that many jobs. Throws `internal` where anything is missing, too much or changed. Bodies are views. */
export function decodeAnswer(content: Uint8Array, jobCount: number): FunctionAnswer {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (bytes.length < beforeHead + afterBodies || !bytes.subarray(0, 4).equals(magic)) throw bad('it does not begin as one');
  const end = bytes.length - afterBodies;
  if (bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end))) throw bad('its checksum is wrong');
  const from = beforeHead + bytes.readUInt32LE(4);
  if (from > end) throw bad('its head does not fit');
  const fields = parseHead(bytes.toString('utf8', beforeHead, from));
  const { outcomes } = fields;
  if (!Array.isArray(outcomes) || outcomes.length !== jobCount) throw bad(`it does not have the outcomes of ${jobCount} jobs`);
  const cursor = { bytes, at: from, end };
  const read = outcomes.map((outcome) => decodeOutcome(outcome, cursor));
  if (cursor.at !== end) throw bad(`${end - cursor.at} bytes too many`);
  return {
    engine: typeof fields.engine === 'string' ? fields.engine : '',
    memoryMb: count(fields.memoryMb, 'memoryMb'),
    elapsedMs: count(fields.elapsedMs, 'elapsedMs'),
    coldStart: fields.coldStart === true,
    outcomes: read,
  };
}

function parseHead(text: string): Readonly<Record<string, unknown>> {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (thrown) {
    throw bad((thrown as Error).message);
  }
  if (typeof fields !== 'object' || fields === null || (fields as { protocol?: unknown }).protocol !== callProtocol)
    throw bad('another version');
  return fields as Readonly<Record<string, unknown>>;
}

function decodeOutcome(outcome: unknown, cursor: { readonly bytes: Buffer; at: number; readonly end: number }): FunctionOutcome {
  if (!Array.isArray(outcome)) throw bad('an outcome is no list');
  if (outcome.length === 3) {
    const failure = failures[outcome[0] as number];
    if (failure === undefined || typeof outcome[2] !== 'string') throw bad('a failure is not understood');
    const code: ErrorCode = errorCodes.find((known) => known === outcome[1]) ?? 'internal';
    return { kind: 'failed', failure, code, message: outcome[2] };
  }
  const [status, contentType, length, bytesRead, gets, durationMs] = outcome as readonly unknown[];
  const size = count(length, 'a length');
  const next = cursor.at + size;
  if (!Number.isInteger(size) || next > cursor.end || typeof contentType !== 'string') throw bad('a body does not fit');
  const body = cursor.bytes.subarray(cursor.at, next);
  cursor.at = next;
  return {
    kind: 'answered',
    answer: { status: count(status, 'a status'), contentType, body },
    cost: { bytesRead: count(bytesRead, 'bytesRead'), gets: count(gets, 'gets'), durationMs: count(durationMs, 'durationMs') },
  };
}
