/** `make rewind FROM=<moment> TO=<moment> RESOURCE=pods NAMESPACE=default`: what changed between two moments, a line each; without FROM, which moments are there. */
import { readFileSync } from 'node:fs'
import { answerTo } from './answer-to.ts'
import { changeLine, type ShownChange } from './change-line.ts'
import { connect } from './cluster-connection.ts'
import { runDeployCommand } from './run-deploy-command.ts'

interface ChangeList {
  readonly continue?: string
  readonly items: readonly ShownChange[]
}

await runDeployCommand(async ({ settings, print, args: [from = '', ...query] }) => {
  const connection = connect(readFileSync(settings.kubeconfig, 'utf8'))
  const get = <T extends object>(path: string) => answerTo<T>(connection, path, 'make rewind says which moments are there')
  try {
    if (from === '') return print(JSON.stringify(await get('/rewind'), undefined, 2))
    const filters = query.filter((each) => !each.endsWith('=')).join('&')
    let told = 0
    for (let token = ''; ; ) {
      const page = await get<ChangeList>(`/rewind/${encodeURIComponent(from)}/changes?${filters}${token}`)
      for (const change of page.items) print(changeLine(change))
      told += page.items.length
      if (page.continue === undefined) break
      token = `&continue=${page.continue}`
    }
    if (told === 0) print('nothing changed that fits, or nothing that you may get (a resource is written with its group: deployments.apps)')
  } finally {
    connection.close()
  }
})
