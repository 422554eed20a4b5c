import type { AttributeValue, ScalarValue } from '#engine/api/attribute-value.ts';
import { attributeFragment, nameFragment, stringAttributeFragment } from '#engine/api/fragments.ts';
import type { AnswerFormat } from '#engine/api/search-answer.ts';
import { printGoDuration } from '#engine/base/duration.ts';
import type { Kernels } from '#engine/kernels/kernels.ts';
import { kindNames, statusNames } from '#engine/traceql/ast.ts';
import type { Meaning } from '#engine/vparquet/sources.ts';
import { printedId } from './string-predicates.ts';
import { type ElementValue, type Values, valueKind } from './values.ts';

/** Bytes in WASM memory. */
export interface Fragment {
  readonly at: number;
  readonly length: number;
}

/** Makes fragments of one answer, each distinct one once. */
export interface FragmentMaker {
  readonly format: AnswerFormat;
  /** Stores bytes that outlive the call. */
  readonly store: (bytes: Uint8Array) => Fragment;
  /** The fragment of a name that lies in WASM memory: the same place where nothing needs an escape. */
  readonly name: (at: number, length: number) => Fragment;
  /** The same for many (address, length) pairs, in place; nulls (length 0xFFFFFFFF) become empty. */
  readonly names: (pairs: Uint32Array) => void;
}

/** Bytes that may not stand in a JSON string as they are, or need a look: quotes, control characters, what Go escapes, and anything beyond ASCII. */
const needsLook = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte < 0x20 || byte >= 0x7f || '"\\<>&'.includes(String.fromCharCode(byte))),
);

const blockBytes = 65_536;

/** Starts making fragments; they live until the kernels' arena is released. */
export function createFragmentMaker(kernels: Kernels, format: AnswerFormat): FragmentMaker {
  let top = 0;
  let end = 0;
  const names = new Map<number, Fragment>();
  const store = (bytes: Uint8Array): Fragment => {
    if (top + bytes.length > end) {
      const size = Math.max(blockBytes, bytes.length);
      top = kernels.alloc(size);
      end = top + size;
    }
    const at = top;
    kernels.u8(at, bytes.length).set(bytes);
    top += bytes.length;
    return { at, length: bytes.length };
  };
  const name = (at: number, length: number): Fragment => {
    // An empty text may have the address of the one behind it.
    const key = length === 0 ? -1 : at;
    let fragment = names.get(key);
    if (fragment === undefined) {
      const bytes = kernels.u8(at, length);
      const escaped = nameFragment(format, bytes);
      fragment = escaped === bytes ? { at, length } : store(escaped);
      names.set(key, fragment);
    }
    return fragment;
  };
  return {
    format,
    store,
    name,
    names: (pairs) => {
      let memory = new Uint8Array(kernels.memory.buffer);
      for (let i = 0; i < pairs.length; i += 2) {
        if (pairs[i + 1] === 0xffffffff) pairs[i + 1] = 0;
        const end = pairs[i] + pairs[i + 1];
        let look = 0;
        if (format === 'json') for (let at = pairs[i]; at < end; at++) look |= needsLook[memory[at]];
        if (look === 0) continue;
        const fragment = name(pairs[i], pairs[i + 1]);
        pairs[i] = fragment.at;
        pairs[i + 1] = fragment.length;
        memory = new Uint8Array(kernels.memory.buffer);
      }
    },
  };
}

/** Turns values of one attribute into attribute fragments, each distinct text once. */
export function createAttributeMaker(kernels: Kernels, maker: FragmentMaker, key: string, keep?: (element: ElementValue) => boolean) {
  const texts = new Map<number, Fragment>();
  const words = new Map<bigint, Fragment>();
  const keyBytes = new TextEncoder().encode(key);
  const ofText = (values: Values, position: number): Fragment => {
    const at = values.textLength[position] === 0 ? -1 : values.textAt[position];
    let fragment = texts.get(at);
    if (fragment === undefined) {
      const bytes = kernels.u8(values.textAt[position], values.textLength[position]);
      const text = values.meaning === 'text' ? bytes : printedId(bytes, values.meaning);
      fragment = maker.store(stringAttributeFragment(maker.format, keyBytes, text));
      texts.set(at, fragment);
    }
    return fragment;
  };
  const ofInt = (value: bigint, meaning: Meaning): Fragment => {
    let fragment = words.get(value);
    if (fragment === undefined) {
      fragment = maker.store(attributeFragment(maker.format, key, intValue(value, meaning)));
      if (words.size < 1024) words.set(value, fragment);
    }
    return fragment;
  };
  /** The fragment of the value at a position, or undefined when there is none to show. */
  return (values: Values, position: number): Fragment | undefined => {
    switch (values.kinds[position]) {
      case valueKind.text:
        return ofText(values, position);
      case valueKind.int:
        return ofInt(values.ints[position], values.meaning);
      case valueKind.double:
        return maker.store(attributeFragment(maker.format, key, { type: 'double', value: values.numbers[position] }));
      case valueKind.boolean:
        return maker.store(attributeFragment(maker.format, key, { type: 'boolean', value: values.numbers[position] === 1 }));
      case valueKind.list: {
        const value = listValue(kernels, values.lists.get(position) ?? [], keep);
        return value && maker.store(attributeFragment(maker.format, key, value));
      }
      default:
        return undefined;
    }
  };
}

function intValue(value: bigint, meaning: Meaning): AttributeValue {
  switch (meaning) {
    case 'status':
      return { type: 'string', value: statusNames[Number(value)] ?? `status(${value})` };
    case 'kind':
      return { type: 'string', value: kindNames[Number(value)] ?? `kind(${value})` };
    case 'duration':
      return { type: 'string', value: printGoDuration(value) };
    default:
      return { type: 'int', value };
  }
}

/** An array as it is shown: the elements that are kept, a single one as a scalar. */
function listValue(
  kernels: Kernels,
  list: readonly ElementValue[],
  keep: ((element: ElementValue) => boolean) | undefined,
): AttributeValue | undefined {
  const kept = keep ? list.filter(keep) : list;
  const values = kept.map((element) => scalarValue(kernels, element));
  if (values.length === 0) return undefined;
  return values.length === 1 ? values[0] : { type: 'array', values };
}

function scalarValue(kernels: Kernels, element: ElementValue): ScalarValue {
  switch (element.kind) {
    case 'text':
      return { type: 'string', value: Buffer.from(kernels.u8(element.at, element.length)).toString('utf8') };
    case 'int':
      return { type: 'int', value: element.value };
    case 'double':
      return { type: 'double', value: element.value };
    case 'boolean':
      return { type: 'boolean', value: element.value };
  }
}
