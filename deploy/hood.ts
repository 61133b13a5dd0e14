/** `make hood NAME=web KIND=apps/v1/deployments NAMESPACE=default`: how an object came to be as it is, a line for each thing that was done. */
import { readFileSync } from 'node:fs'
import { answerTo } from './answer-to.ts'
import { connect } from './cluster-connection.ts'
import { type ShownDeed, storyLines } from './deed-story.ts'
import { runDeployCommand } from './run-deploy-command.ts'
import { CannotGoOn } from './step.ts'

interface DeedList {
  readonly items: readonly ShownDeed[]
  readonly isCut?: boolean
}

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
    const path = `/hood/${root}/${version.reverse().join('/')}${place}/${resource}/${encodeURIComponent(name)}`
    const { items, isCut } = await answerTo<DeedList>(connection, path, 'look at KIND, NAMESPACE and NAME')
    if (items.length === 0) return print(`nothing is remembered of ${resource} ${name}: the newest changes are, and it is not among them`)
    if (isCut) print('(the beginning is not shown)')
    for (const line of storyLines(items)) print(line)
  } finally {
    connection.close()
  }
})
