import { join } from 'node:path';
import type { Node, SourceFile } from 'typescript/unstable/ast';
import { SyntaxKind } from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';

/** A parsed file; `path` is relative to the root. */
export interface ParsedFile {
  readonly path: string;
  readonly tree: SourceFile;
}

/** Something that breaks a rule: where, and what to do about it. */
export interface Violation {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** Calls back with each file that the root's tsconfig.json includes, parsed; a file outside it is left out. */
export function withParsedFiles<Result>(root: string, paths: readonly string[], use: (files: readonly ParsedFile[]) => Result): Result {
  const compiler = new API({ cwd: root });
  try {
    const project = compiler.updateSnapshot({ openProject: join(root, 'tsconfig.json') }).getProjects()[0];
    if (project === undefined) throw new Error('the TypeScript compiler does not open tsconfig.json');
    const files = paths.flatMap((path) => {
      const tree = project.program.getSourceFile(join(root, path));
      return tree === undefined ? [] : [{ path, tree }];
    });
    return use(files);
  } finally {
    compiler.close();
  }
}

/** Line of a node, from 1. */
export function lineOf(file: ParsedFile, node: Node): number {
  return file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line + 1;
}

/** Last line of a node, from 1. */
export function lastLineOf(file: ParsedFile, node: Node): number {
  return file.tree.getLineAndCharacterOfPosition(node.end).line + 1;
}

/** Visits a node and everything below it. */
export function visitAll(node: Node, visit: (node: Node) => void): void {
  visit(node);
  node.forEachChild((child) => visitAll(child, visit));
}

/** The modules that a file imports or re-exports, `import()` of a literal included. */
export function importsOf(file: ParsedFile): readonly { readonly module: string; readonly node: Node }[] {
  const found: { module: string; node: Node }[] = [];
  visitAll(file.tree, (node) => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) found.push({ module: specifier.getText(file.tree).slice(1, -1), node });
  });
  return found;
}

function specifierOf(node: Node): Node | undefined {
  const parts = node as {
    readonly moduleSpecifier?: Node;
    readonly expression?: Node;
    readonly arguments?: readonly Node[];
    readonly argument?: Node;
  };
  if (node.kind === SyntaxKind.ImportDeclaration || node.kind === SyntaxKind.ExportDeclaration) return parts.moduleSpecifier;
  if (node.kind === SyntaxKind.ImportType) return (parts.argument as { readonly literal?: Node } | undefined)?.literal;
  if (node.kind === SyntaxKind.CallExpression && parts.expression?.kind === SyntaxKind.ImportKeyword) {
    const argument = parts.arguments?.[0];
    return argument?.kind === SyntaxKind.StringLiteral ? argument : undefined;
  }
  return undefined;
}
