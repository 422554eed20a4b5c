import type { AttributeValue, ScalarValue } from '#engine/api/attribute-value.ts';
import { attributeFragment } from '#engine/api/fragments.ts';
import { printGoDuration } from '#engine/base/duration.ts';
import { kindNames, type Static, statusNames } from '#engine/traceql/ast.ts';
import type { Operand } from './expressions.ts';
import type { Fragment, FragmentMaker } from './fragments.ts';
import type { Picks } from './picks.ts';

/** Fragments of the attributes of spansets: for each attribute a column with one for every spanset. Equal values share theirs. */
export function spansetFragments(maker: FragmentMaker, { attributes }: Picks): readonly (readonly Fragment[])[] {
  return attributes.map(({ key, ids, values }) => {
    const made = new Map<number, Fragment>();
    return Array.from(ids, (id) => {
      let fragment = made.get(id);
      if (fragment === undefined) {
        fragment = maker.store(attributeFragment(maker.format, key, attributeValue(values[id])));
        made.set(id, fragment);
      }
      return fragment;
    });
  });
}

/** A value as answers show it (spec traceql §7.3). */
function attributeValue(operand: Operand): AttributeValue {
  return operand.kind === 'array' ? { type: 'array', values: operand.elements.map(scalarValue) } : scalarValue(operand);
}

function scalarValue(operand: Static): ScalarValue {
  switch (operand.kind) {
    case 'nil':
      return { type: 'string', value: 'nil' };
    case 'int':
      return { type: 'int', value: operand.value };
    case 'float':
      return { type: 'double', value: operand.value };
    case 'string':
      return { type: 'string', value: operand.value };
    case 'boolean':
      return { type: 'boolean', value: operand.value };
    case 'duration':
      return { type: 'string', value: printGoDuration(operand.nanos) };
    case 'status':
      return { type: 'string', value: statusNames[operand.code] ?? `status(${operand.code})` };
    case 'kind':
      return { type: 'string', value: kindNames[operand.code] ?? `kind(${operand.code})` };
  }
}
