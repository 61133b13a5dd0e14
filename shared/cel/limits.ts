/**
 * What one expression may be and cost. The budgets are upstream's (`k8s.io/apiserver/pkg/apis/cel`); a unit of cost is about what reading
 * one field takes. The other numbers bound what is spent before a budget can count.
 */
export const celLimits = {
  /** Cost of one evaluation of one expression (`PerCallLimit`). */
  callCost: 1_000_000,
  /** Cost of all expressions of one policy for one request (`RuntimeCELCostBudget`). */
  requestCost: 10_000_000,
  /** Cost of all match conditions of one webhook or policy for one request (`RuntimeCELCostBudgetMatchConditions`). */
  matchConditionsCost: 2_500_000,
  /** Code points of an expression (cel-go's `expressionSizeCodePointLimit`). */
  characters: 100_000,
  /** Words and signs of an expression: what is longer is read no further. */
  tokens: 40_000,
  /** Nodes of an expression, those that macros add not counted. */
  nodes: 20_000,
  /** Expressions in expressions (cel-go's recursion limit). */
  depth: 250,
  /** Parts of the type of an expression: `list(int)` has two. */
  typeParts: 1_000,
  /** Problems told of one expression. */
  problems: 20,
  /** UTF-16 units of a text that an expression makes: more than any request carries. */
  text: 4 * 1024 * 1024,
  /** Items of a list that an expression makes. */
  items: 1_000_000,
  /** Characters of a regular expression. */
  pattern: 4_096,
  /** Instructions of a compiled regular expression: counted repetitions multiply. */
  patternProgram: 20_000,
} as const
