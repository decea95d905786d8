// Reads Bicep files with tree-sitter's grammar: bicep.mjs FILE...; prints one JSON object, by file:
//   errors        places where the text is no Bicep
//   declarations  {kind, name, type, existing, value}; a value is JSON, and {"expression": text} for what is computed
//   uses          names that expressions use; outputs: "module.output" that they use; functions: what they call
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Language, Parser } from 'web-tree-sitter';

await Parser.init();
const grammar = createRequire(import.meta.url).resolve('tree-sitter-bicep/tree-sitter-bicep.wasm');
const parser = new Parser();
parser.setLanguage(await Language.load(grammar));

const unquoted = (text) => text.replace(/^'|'$/g, '');

function value(node) {
  switch (node.type) {
    case 'object':
      return Object.fromEntries(
        node.namedChildren
          .filter((it) => it.type === 'object_property')
          .map((it) => [unquoted(it.namedChildren[0].text), value(it.namedChildren.at(-1))]),
      );
    case 'array':
      return node.namedChildren.filter((it) => it.type !== 'comment').map(value);
    case 'string':
      return node.text.includes('${') ? { expression: node.text } : unquoted(node.text);
    case 'number':
      return Number(node.text);
    case 'boolean':
      return node.text === 'true';
    case 'if_statement':
    case 'for_statement':
      return value(node.namedChildren.at(-1));
    default:
      return { expression: node.text };
  }
}

function declaration(node) {
  const [name, ...rest] = node.namedChildren;
  const kind = node.type.replace('_declaration', '');
  const typed = kind === 'resource' || kind === 'module';
  const body = rest.at(-1);
  return {
    kind,
    name: name.text,
    type: typed ? unquoted(rest[0].text) : '',
    existing: kind === 'resource' && node.children.some((it) => it.type === 'existing'),
    line: node.startPosition.row + 1,
    value: rest.length > (typed ? 1 : 0) ? value(body) : null,
    optional: kind === 'parameter' && rest.some((it) => it.type !== 'type' && !it.type.startsWith('primitive')),
    text: node.text,
  };
}

function read(file) {
  const root = parser.parse(readFileSync(file, 'utf8')).rootNode;
  const found = { errors: [], declarations: [], uses: [], outputs: [], functions: [] };
  const visit = (node) => {
    if (node.isError || node.isMissing) found.errors.push(`line ${node.startPosition.row + 1}: ${node.text}`);
    if (node.type.endsWith('_declaration')) found.declarations.push(declaration(node));
    const parent = node.parent;
    if (node.type === 'call_expression') found.functions.push(node.childForFieldName('function').text);
    if (node.type === 'member_expression') {
      const output = node.text.match(/^(\w+)\.outputs\.(\w+)$/);
      if (output) found.outputs.push(output.slice(1));
    }
    if (node.type === 'identifier') {
      const isKey = parent.type === 'object_property' && parent.namedChildren[0].equals(node);
      const isDeclared = parent.type.endsWith('_declaration') && parent.namedChildren[0].equals(node);
      const isCalled = parent.type === 'call_expression' && parent.childForFieldName('function').equals(node);
      if (!isKey && !isDeclared && !isCalled && parent.type !== 'for_statement') found.uses.push(node.text);
    }
    // The variable of a loop is known inside it only; here it counts as declared.
    if (node.type === 'for_statement') {
      found.declarations.push({ kind: 'loop', name: node.namedChildren[0].text, type: '', value: null });
      if (node.namedChildren[1].type === 'identifier') found.uses.push(node.namedChildren[1].text);
    }
    node.namedChildren.forEach(visit);
  };
  visit(root);
  return found;
}

console.log(JSON.stringify(Object.fromEntries(process.argv.slice(2).map((file) => [file, read(file)]))));
