/** `make rewind FROM=<moment> TO=<moment> RESOURCE=pods NAMESPACE=default`: what changed between two moments, a line each; without FROM, which moments are there. */
import { readFileSync } from 'node:fs'
import { changeLine, type ShownChange } from './change-line.ts'
import { connect } from './cluster-connection.ts'
import { runDeployCommand } from './run-deploy-command.ts'
import { CannotGoOn } from './step.ts'

interface ChangeList {
  readonly continue?: string
  readonly items: readonly ShownChange[]
}

await runDeployCommand(async ({ settings, print, args: [from = '', ...query] }) => {
  const connection = connect(readFileSync(settings.kubeconfig, 'utf8'))
  const get = async (path: string): Promise<unknown> => {
    const { status, body } = await connection.get(path)
    const answer = JSON.parse(body) as { message?: string }
    if (status !== 200)
      throw new CannotGoOn(answer.message ?? `the API server answered ${status}`, 'make rewind says which moments are there')
    return answer
  }
  try {
    if (from === '') return print(JSON.stringify(await get('/rewind'), undefined, 2))
    const filters = query.filter((each) => !each.endsWith('=')).join('&')
    for (let token = ''; ; ) {
      const page = (await get(`/rewind/${encodeURIComponent(from)}/changes?${filters}${token}`)) as ChangeList
      for (const change of page.items) print(changeLine(change))
      if (page.continue === undefined) return
      token = `&continue=${page.continue}`
    }
  } finally {
    connection.close()
  }
})
