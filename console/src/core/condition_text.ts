// SPDX-License-Identifier: Apache-2.0
/** A rule's condition from text to tree: the grammar of src/alert/condition.h, with the places of its numbers, so that a
 * threshold can be dragged in the text. Pure. */

export type Relation = ">" | ">=" | "<" | "<=" | "==" | "!=" | "inside" | "outside" | "absent";
export type Calculation =
  | { kind: "literal"; value: number; at: [number, number] } // where it stands in the text
  | { kind: "fact"; name: string }
  | { kind: "reduction"; reducer: string; ref: string; percent: number; window: number; delay: number } // seconds
  | { kind: "negate"; of: Calculation }
  | { kind: "+" | "-" | "*" | "/"; left: Calculation; right: Calculation };
export type Test = { kind: "test"; relation: Relation; left: Calculation; right: Calculation[]; said: string }; // said: the left side as written
export type Tree = Test | { kind: "not"; of: Tree } | { kind: "and" | "or"; operands: Tree[] };
/** Line and column count from 1. */
export interface Fault {
  line: number;
  column: number;
  text: string;
}
export type Reading = { tree: Tree; fault?: undefined } | { tree?: undefined; fault: Fault };

export const kReducers = ["avg", "min", "max", "sum", "count", "last", "first", "median", "diff", "percent_diff", "count_non_null", "percentile", "slope", "stddev"];
export const kFacts = ["ready_nodes", "capacity_nodes", "draining_nodes", "desired_nodes", "min_nodes", "max_nodes"];
const kRelations: Record<string, Relation> = { ">": ">", above: ">", ">=": ">=", "<": "<", below: "<", "<=": "<=", "==": "==", "!=": "!=" };
const kDeepest = 32;
const kLongest = 4096;

const kUnits: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
/** "1m30s" in seconds; NaN where it is none. */
export function seconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) return NaN;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)].reduce((sum, [, n, unit]) => sum + Number(n) * kUnits[unit], 0);
}

interface Token {
  kind: "number" | "word" | "symbol" | "end";
  text: string;
  at: number;
}

function tokens(text: string): Token[] {
  const out: Token[] = [];
  const form = /\s+|((?:\d|\.\d)(?:[eE][+-](?=\d)|[\w.])*)|(\w+)|([<>=!]=|[^\s\w])/y;
  for (let at = 0; at < text.length; at = form.lastIndex) {
    form.lastIndex = at;
    const found = form.exec(text)!;
    if (found[1]) out.push({ kind: "number", text: found[1], at });
    else if (found[2]) out.push({ kind: "word", text: found[2], at });
    else if (found[3]) out.push({ kind: "symbol", text: found[3], at });
  }
  return [...out, { kind: "end", text: "", at: text.length }];
}

class Misread extends Error {
  constructor(readonly at: number, message: string) {
    super(message);
  }
}
type Part = Calculation | Tree;
const isNumber = (part: Part): part is Calculation => !["test", "not", "and", "or"].includes(part.kind);

class Parser {
  private next = 0;
  private depth = 0;
  private readonly list: Token[];
  constructor(private readonly text: string) {
    this.list = tokens(text);
  }

  whole(): Tree {
    const part = this.either();
    if (this.token.kind !== "end") throw this.unexpected(isNumber(part) ? "one of >, >=, <, <=, ==, !=, inside, outside, is absent" : '"and", "or" or the end');
    if (isNumber(part)) throw this.unexpected("one of >, >=, <, <=, ==, !=, inside, outside, is absent");
    return part;
  }

  private get token(): Token {
    return this.list[this.next];
  }
  private is(...words: string[]): boolean {
    return this.token.kind !== "end" && words.includes(this.token.text.toLowerCase());
  }
  private take(word: string): boolean {
    if (!this.is(word)) return false;
    this.next += 1;
    return true;
  }
  private expect(word: string) {
    if (!this.take(word)) throw this.unexpected(`"${word}"`);
  }
  private unexpected(wanted: string): Misread {
    return new Misread(this.token.at, `found ${this.token.kind === "end" ? "the end" : `"${this.token.text}"`}, expected ${wanted}`);
  }
  private condition(part: Part, at: number, by: string): Tree {
    if (isNumber(part)) throw new Misread(at, `"${by}" takes conditions, and this is a number`);
    return part;
  }
  private number(part: Part, at: number, by: string): Calculation {
    if (!isNumber(part)) throw new Misread(at, `"${by}" takes numbers, and this is a condition`);
    return part;
  }
  private deeper<T>(inside: () => T): T {
    if (++this.depth > kDeepest) throw this.unexpected("no deeper brackets");
    const out = inside();
    this.depth -= 1;
    return out;
  }

  private either(): Part {
    return this.chain("or", () => this.chain("and", () => this.negation()));
  }
  private chain(word: "and" | "or", operand: () => Part): Part {
    let at = this.token.at;
    const first = operand();
    if (!this.is(word)) return first;
    const operands = [this.condition(first, at, word)];
    while (this.take(word)) {
      at = this.token.at;
      operands.push(this.condition(operand(), at, word));
    }
    return { kind: word, operands };
  }
  private negation(): Part {
    if (!this.take("not")) return this.test();
    const at = this.token.at;
    return this.deeper(() => ({ kind: "not", of: this.condition(this.negation(), at, "not") }));
  }
  private test(): Part {
    const begin = this.token.at;
    const part = this.sum();
    const word = this.token.text.toLowerCase();
    const relation: Relation | undefined = kRelations[word] ?? (this.is("is", "has") ? "absent" : this.is("inside", "within") ? "inside" : this.is("outside") ? "outside" : undefined);
    if (this.token.kind === "end" || !relation) return part;
    const left = this.number(part, begin, word);
    const said = this.text.slice(begin, this.token.at).trim();
    this.next += 1;
    const right: Calculation[] = [];
    const operand = () => {
      const at = this.token.at;
      right.push(this.number(this.sum(), at, word));
    };
    if (relation === "absent") {
      if (word === "is") this.expect("absent");
      else {
        this.expect("no");
        this.expect("value");
      }
    } else if (relation === "inside" || relation === "outside") {
      this.expect("(");
      operand();
      this.expect(",");
      operand();
      this.expect(")");
    } else {
      operand();
    }
    return { kind: "test", relation, left, right, said };
  }
  private sum(): Part {
    return this.calculated(["+", "-"], () => this.calculated(["*", "/"], () => this.factor()));
  }
  private calculated(signs: string[], operand: () => Part): Part {
    let at = this.token.at;
    let left = operand();
    while (this.is(...signs)) {
      const sign = this.token.text as "+" | "-" | "*" | "/";
      const first = this.number(left, at, sign);
      this.next += 1;
      at = this.token.at;
      const right = this.number(operand(), at, sign);
      if (sign === "/" && right.kind === "literal" && right.value === 0) throw new Misread(at, "division by zero");
      left = { kind: sign, left: first, right };
    }
    return left;
  }
  private factor(): Part {
    const { at, text, kind } = this.token;
    if (this.is("-", "+")) {
      const inner = this.number(this.deeper(() => this.signed()), at, text);
      if (text === "+") return inner;
      return inner.kind === "literal" ? { kind: "literal", value: -inner.value, at: [at, inner.at[1]] } : { kind: "negate", of: inner };
    }
    if (this.is("(")) {
      const inner = this.deeper(() => this.bracketed());
      this.expect(")");
      return inner;
    }
    if (kind === "number") return { kind: "literal", value: this.digits("a number"), at: [at, at + text.length] };
    if (kind === "word") return this.word();
    throw this.unexpected("a number, a fact of the pool, \"(\" or a reducer such as avg");
  }
  private signed(): Part {
    this.next += 1;
    return this.factor();
  }
  private bracketed(): Part {
    this.next += 1;
    return this.either();
  }
  private digits(wanted: string): number {
    const value = this.token.kind === "number" ? Number(this.token.text) : NaN;
    if (!Number.isFinite(value)) throw this.unexpected(wanted);
    this.next += 1;
    return value;
  }
  private span(wanted: string): number {
    const length = this.token.kind === "number" ? seconds(this.token.text) : NaN;
    if (Number.isNaN(length)) throw this.unexpected(wanted);
    this.next += 1;
    return length;
  }
  private word(): Calculation {
    const name = this.token.text.toLowerCase();
    if (kFacts.includes(name)) {
      this.next += 1;
      return { kind: "fact", name };
    }
    if (!kReducers.includes(name)) throw this.unexpected(`one of ${kReducers.join(", ")}, or a fact of the pool: ${kFacts.join(", ")}`);
    this.next += 1;
    this.expect("(");
    if (this.token.kind !== "word") throw this.unexpected("the name of a query");
    const ref = this.token.text;
    this.next += 1;
    this.expect(",");
    let percent = 0;
    if (name === "percentile") {
      const { at } = this.token;
      percent = this.digits("a percentile such as 99");
      if (percent > 100) throw new Misread(at, "a percentile is from 0 to 100");
      this.expect(",");
    }
    const { at } = this.token;
    const window = this.span("a window such as 1m");
    if (window <= 0) throw new Misread(at, "the window must be longer than 0");
    const delay = this.take(",") ? this.span("a delay such as 5s") : 0;
    this.expect(")");
    return { kind: "reduction", reducer: name, ref, percent, window, delay };
  }
}

export function read(text: string): Reading {
  try {
    if (text.length > kLongest) throw new Misread(0, `is longer than ${kLongest} characters`);
    return { tree: new Parser(text).whole() };
  } catch (cause) {
    if (!(cause instanceof Misread)) throw cause;
    const before = text.slice(0, cause.at).split("\n");
    return { fault: { line: before.length, column: before[before.length - 1].length + 1, text: cause.message } };
  }
}
export const parse = (text: string): Tree | null => read(text).tree ?? null;

export function tests(tree: Tree | null): Test[] {
  if (!tree) return [];
  if (tree.kind === "test") return [tree];
  return tree.kind === "not" ? tests(tree.of) : tree.operands.flatMap(tests);
}
export function reductions(part: Calculation): Extract<Calculation, { kind: "reduction" }>[] {
  switch (part.kind) {
    case "reduction": return [part];
    case "negate": return reductions(part.of);
    case "literal": case "fact": return [];
    default: return [...reductions(part.left), ...reductions(part.right)];
  }
}

/** A number of the text that something measured is compared with. */
export interface Line {
  said: string; // what is compared: "avg(C, 1m)"
  measured: Calculation;
  relation: Relation;
  threshold: number;
  at: [number, number];
}
const kTurned: Partial<Record<Relation, Relation>> = { ">": "<", ">=": "<=", "<": ">", "<=": ">=" };
/** The lines of a chart, from left to right in the text. */
export function lines(tree: Tree | null): Line[] {
  return tests(tree).flatMap((test): Line[] => {
    if (test.left.kind === "literal") {
      const [other] = test.right;
      if (test.right.length !== 1 || !reductions(other).length) return [];
      return [{ said: "", measured: other, relation: kTurned[test.relation] ?? test.relation, threshold: test.left.value, at: test.left.at }];
    }
    return test.right.flatMap((right) => (right.kind === "literal" ? [{ said: test.said, measured: test.left, relation: test.relation, threshold: right.value, at: right.at }] : []));
  });
}
/** The text with the number of its `index`th line replaced. */
export function withThreshold(text: string, index: number, threshold: number): string {
  const line = lines(parse(text))[index];
  return line ? text.slice(0, line.at[0]) + String(threshold) + text.slice(line.at[1]) : text;
}
/** Rounded as a hand would: to a hundredth of the axis' span. */
export function roundTo(value: number, span: number): number {
  const step = 10 ** Math.floor(Math.log10(Math.max(span, 1e-9) / 100));
  return Number((Math.round(value / step) * step).toPrecision(12));
}
