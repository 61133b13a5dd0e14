/** The Status that answers a sub-resource which did something and has nothing to show. */
export function success(code: number): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code }
}
