/**
 * Whether a value meets an operator of the object form, as in a label selector's expression (meta/v1 LabelSelectorRequirement).
 * @param actual undefined: there is none
 */
export function meets(operator: string, values: readonly string[], actual: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return actual !== undefined && values.includes(actual)
    case 'NotIn':
      return actual === undefined || !values.includes(actual)
    case 'Exists':
      return actual !== undefined
    case 'DoesNotExist':
      return actual === undefined
    default:
      return false
  }
}
