/** `make hood NAME=web KIND=apps/v1/deployments NAMESPACE=default`: how an object came to be as it is, a line for each thing that was done. */
import { readFileSync } from 'node:fs'
import { connect } from './cluster-connection.ts'
import { type ShownDeed, storyLines } from './deed-story.ts'
import { runDeployCommand } from './run-deploy-command.ts'
import { CannotGoOn } from './step.ts'

await runDeployCommand(async ({ settings, print, args: [kind = '', namespace = '', name = ''] }) => {
  if (name === '')
    throw new CannotGoOn(
      'no object was named',
      'make hood NAME=web; KIND=v1/pods for another kind than Deployments, NAMESPACE= for another place',
    )
  const connection = connect(readFileSync(settings.kubeconfig, 'utf8'))
  try {
    const root = kind.split('/').length > 2 ? 'apis' : 'api'
    const [resource = '', ...version] = kind.split('/').reverse()
    const place = namespace === '-' ? '' : `/namespaces/${encodeURIComponent(namespace)}`
    const { status, body } = await connection.get(
      `/hood/${root}/${version.reverse().join('/')}${place}/${resource}/${encodeURIComponent(name)}`,
    )
    const answer = JSON.parse(body) as { message?: string; items?: ShownDeed[]; isCut?: boolean }
    if (status !== 200) throw new CannotGoOn(answer.message ?? `the API server answered ${status}`, 'look at KIND, NAMESPACE and NAME')
    const items = answer.items ?? []
    if (items.length === 0) return print(`nothing is remembered of ${resource} ${name}: the newest changes are, and it is not among them`)
    if (answer.isCut) print('(the beginning is not shown)')
    for (const line of storyLines(items)) print(line)
  } finally {
    connection.close()
  }
})
