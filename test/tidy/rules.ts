import type { Node } from 'typescript/unstable/ast';
import { ModifierFlags, SyntaxKind } from 'typescript/unstable/ast';
import type { ParsedFile, Violation } from './syntax.ts';
import { lastLineOf, lineOf, visitAll } from './syntax.ts';

const maxFunctionLines = 70;

/** Files that may touch the process, the clock, chance and the terminal: entry points, configuration, the clock, telemetry. */
const outerFile = /(^|\/)(([a-z]+-)?main|config|clock|telemetry|lambda|cloudrun)(\/|\.ts$)/;

const impure: Readonly<Record<string, string>> = {
  'process.env': 'read the environment in a config file and pass the value in',
  'Date.now': 'take a Clock (engine/base/clock.ts) and call nowMs()',
  'performance.now': 'take a Clock (engine/base/clock.ts) and call monotonicMs()',
  'Math.random': 'take `random: () => number` as an argument',
  setTimeout: 'take a Clock (engine/base/clock.ts) and call sleep()',
  setInterval: 'take a Clock (engine/base/clock.ts) and loop over sleep()',
  console: 'write through the logger of telemetry',
};

const impureModules = /^(node:)?(timers|timers\/promises)$/;

const functionKinds: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
]);

type Named = Node & {
  readonly name?: Node;
  readonly propertyName?: Node;
  readonly expression?: Node;
  readonly moduleSpecifier?: Node;
  readonly heritageClauses?: readonly Node[];
};

/** Functions of more than 70 lines, in any TypeScript file. Callbacks of `describe` are lists of tests and do not count. */
export function longFunctions(file: ParsedFile): readonly Violation[] {
  return nodesOf(file, (node) => {
    if (!functionKinds.has(node.kind) || isTestList(node)) return undefined;
    const lines = lastLineOf(file, node) - lineOf(file, node) + 1;
    return lines > maxFunctionLines ? `function of ${lines} lines: at most ${maxFunctionLines}; split it by what its parts do` : undefined;
  });
}

function isTestList(node: Node): boolean {
  const call = node.parent as Named | undefined;
  return call?.kind === SyntaxKind.CallExpression && /^(describe|suite)$/.test(call.expression?.getText() ?? '');
}

/** Enums, namespaces, default exports, and classes other than AppError. */
export function bannedForms(file: ParsedFile): readonly Violation[] {
  return nodesOf(file, (node) => {
    const { name, heritageClauses } = node as Named;
    if (node.kind === SyntaxKind.EnumDeclaration) return 'enum: use a union of string literals';
    if (node.kind === SyntaxKind.ModuleDeclaration && name?.kind === SyntaxKind.Identifier) return 'namespace: use a module';
    if (node.kind === SyntaxKind.ExportAssignment || modifiers(node) & ModifierFlags.Default) return 'default export: export a name';
    if (node.kind !== SyntaxKind.ClassDeclaration && node.kind !== SyntaxKind.ClassExpression) return undefined;
    const isAppError = name?.getText(file.tree) === 'AppError' && heritageClauses?.[0]?.getText(file.tree) === 'extends Error';
    return isAppError ? undefined : 'class: use a function that returns an object; AppError is the only class';
  });
}

/** The process's environment, clocks, timers, chance and the terminal, outside the files that are there for them. */
export function impureCalls(file: ParsedFile): readonly Violation[] {
  if (outerFile.test(file.path)) return [];
  return nodesOf(file, (node) => {
    if (node.kind === SyntaxKind.ImportDeclaration) {
      const module = (node as Named).moduleSpecifier?.getText(file.tree).slice(1, -1) ?? '';
      return impureModules.test(module) ? `import of ${module}: take a Clock (engine/base/clock.ts)` : undefined;
    }
    const isGlobal = node.kind === SyntaxKind.Identifier && isValueUse(node);
    if (!isGlobal && node.kind !== SyntaxKind.PropertyAccessExpression) return undefined;
    const text = node.getText(file.tree);
    return Object.hasOwn(impure, text) ? `${text}: ${impure[text]}` : undefined;
  });
}

/** False for a name in `x.name`, `{ name: … }`, `import { name as … }` and declarations. */
function isValueUse(node: Node): boolean {
  const { name, propertyName } = node.parent as Named;
  return name !== node && propertyName !== node;
}

/** Exported declarations without a doc comment; re-exports are documented where they come from. */
export function undocumentedExports(file: ParsedFile): readonly Violation[] {
  return file.tree.statements.flatMap((statement) => {
    if (!(modifiers(statement) & ModifierFlags.Export) || (statement.jsDoc?.length ?? 0) > 0) return [];
    const name = /\b(?:function\*?|const|let|interface|type|class)\s+([\w$]+)/.exec(statement.getText(file.tree))?.[1] ?? 'it';
    return [
      {
        path: file.path,
        line: lineOf(file, statement),
        message: `exported without a doc comment: say what ${name} is, its units and errors`,
      },
    ];
  });
}

function modifiers(node: Node): number {
  return (node as { readonly modifierFlags?: number }).modifierFlags ?? 0;
}

function nodesOf(file: ParsedFile, problem: (node: Node) => string | undefined): readonly Violation[] {
  const found: Violation[] = [];
  visitAll(file.tree, (node) => {
    const message = problem(node);
    if (message !== undefined) found.push({ path: file.path, line: lineOf(file, node), message });
  });
  return found;
}
