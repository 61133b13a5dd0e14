import { readExactJson } from '../shared/text/exact-json.ts'
import type { ClusterConnection } from './cluster-connection.ts'
import { CannotGoOn } from './step.ts'

/** What the API server answers to a GET. @throws CannotGoOn in the server's words where it refuses; `cure` is what to do then */
export async function answerTo<T extends object>(connection: Pick<ClusterConnection, 'get'>, path: string, cure: string): Promise<T> {
  const { status, body } = await connection.get(path)
  // The server is of this release: what it answers to this path is what it says it does.
  const answer = readExactJson(body) as T & { readonly message?: string }
  if (status !== 200) throw new CannotGoOn(answer.message ?? `the API server answered ${status}`, cure)
  return answer
}
