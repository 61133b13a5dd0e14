import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { picture } from '../harness/browser.ts'
import { type DashboardScene, refuseInaccessible, startDashboardScene } from '../harness/dashboard.ts'
import { eventually } from '../harness/eventually.ts'

const web = (image: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'default', name: 'web' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image }] } },
  },
})

describe('acting in the dashboard', { timeout: 180_000 }, () => {
  let scene: DashboardScene
  let admin: string
  const inDefault = { namespace: 'default' }
  before(async () => {
    scene = await startDashboardScene()
    admin = await scene.tokenFor('boss', 'cluster-admin')
  })
  after(() => scene?.stop())

  it('a manifest shows what it would change before it is applied; a refusal names the field', async (t) => {
    const page = await scene.open(t, admin, { path: '/apply' })
    const manifest = page.getByLabel('Manifest')
    await manifest.fill(JSON.stringify(web('nginx:1')))
    await page.getByRole('button', { name: 'Show what would change' }).click()
    await page.getByText('+   replicas: 2').waitFor()
    assert.equal((await scene.client.list('apps/v1', 'Deployment', inDefault)).items.length, 0, 'a trial changes nothing')
    await page.getByRole('button', { name: 'Apply', exact: true }).click()
    await page.getByText('Deployment web: applied.').waitFor()
    await manifest.fill(JSON.stringify(web('nginx:2')))
    await page.getByRole('button', { name: 'Show what would change' }).click()
    await page.locator('.diff .bad').filter({ hasText: 'nginx:1' }).waitFor()
    await picture(page, 'apply')
    const bad = web('nginx:2')
    bad.spec.replicas = -1
    await manifest.fill(JSON.stringify(bad))
    await page.getByRole('button', { name: 'Show what would change' }).click()
    await page.locator('.problem code').filter({ hasText: 'spec.replicas' }).waitFor()
    await manifest.fill('kind: [')
    await page.getByRole('button', { name: 'Show what would change' }).click()
    await page.getByRole('alert').waitFor()
  })

  it('a deployment is scaled, restarted, edited and rolled back', async (t) => {
    const page = await scene.open(t, admin, { path: '/objects/apps/deployments/default/web' })
    const until = (is: (deployment: { image: string | undefined; replicas: number | undefined; restarted: boolean }) => boolean) =>
      eventually(
        scene.client,
        ['apps/v1', 'Deployment'],
        ([deployment]) => {
          const template = deployment?.spec.template
          const restarted = template?.metadata?.annotations?.['kubectl.kubernetes.io/restartedAt'] !== undefined
          return is({ image: template?.spec?.containers[0]?.image, replicas: deployment?.spec.replicas, restarted })
        },
        inDefault,
      )
    await page.getByRole('button', { name: 'Scale' }).click()
    await page.getByLabel('How many replicas?').fill('3')
    await page.getByLabel('How many replicas?').press('Enter')
    await until(({ replicas }) => replicas === 3)
    await page.getByText('It wants 3 now.').waitFor()
    await page.getByRole('link', { name: 'edit' }).click()
    const yaml = page.getByLabel('YAML', { exact: true })
    await page.getByRole('button', { name: 'Begin anew' }).click()
    const text = await yaml.inputValue()
    assert.match(text, /image: nginx:1/)
    await yaml.fill(text.replace('nginx:1', 'nginx:2'))
    // What the cluster says of it meanwhile is no conflict.
    const web = { namespace: 'default', name: 'web' }
    const status = { conditions: [{ type: 'Told', status: 'True' }] }
    await scene.client.patch('apps/v1', 'Deployment', web, { type: 'strategic', body: { status }, subresource: 'status' })
    await page.getByRole('button', { name: 'Show what would change' }).click()
    await page.getByText(/^\+ .*nginx:2/).waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await until(({ image }) => image === 'nginx:2')
    await yaml.fill(text.replace('replicas: 3', 'replicas: 4'))
    await page.getByRole('button', { name: 'Show what would change' }).click()
    await page.getByText(/the object has been modified/).waitFor()
    await page.getByRole('link', { name: 'summary' }).click()
    await page.getByRole('button', { name: 'Restart' }).click()
    await page.locator('form button').first().click()
    await until(({ restarted }) => restarted)
    await eventually(scene.client, ['apps/v1', 'ReplicaSet'], (sets) => sets.length === 3, inDefault)
    await page.getByRole('button', { name: 'Roll back' }).click()
    await page.locator('ul[aria-label="Revisions"] li').filter({ hasText: 'nginx:1' }).locator('button').click()
    await until(({ image }) => image === 'nginx:1')
  })

  it('a node is drained and taken back', async (t) => {
    const page = await scene.open(t, admin, { path: '/objects/core/nodes/_/node-1' })
    await page.getByRole('button', { name: 'Drain' }).click()
    await page.locator('form button').first().click()
    await page.getByText(/pods were evicted/).waitFor()
    await eventually(
      scene.client,
      ['v1', 'Pod'],
      (pods) => pods.length >= 3 && pods.every(({ spec }) => spec.nodeName === 'node-2'),
      inDefault,
    )
    await page.getByRole('button', { name: 'Uncordon' }).click()
    await eventually(scene.client, ['v1', 'Node'], (nodes) => nodes.every(({ spec }) => !spec.unschedulable))
  })

  it('who may only look is told what they may not', async (t) => {
    const token = await scene.tokenFor('watcher', 'view')
    const page = await scene.open(t, token, { path: '/objects/apps/deployments/default/web', bypassCSP: true })
    await page.getByRole('button', { name: 'Delete…' }).click()
    await refuseInaccessible(page)
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByText(/User "system:serviceaccount:kube-system:watcher" cannot delete resource "deployments"/).waitFor()
  })

  it('logs that cannot be had say why; an object that is deleted is said to be gone', async (t) => {
    const page = await scene.open(t, admin, { path: '/objects/apps/deployments/default/web?tab=logs' })
    await page.getByText(/2 lines|3 lines/).waitFor()
    await page.locator('.log div').first().waitFor()
    await page.getByRole('link', { name: 'summary' }).click()
    await page.getByRole('button', { name: 'Delete…' }).click()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByText('It is not there: it was deleted, or it never was.').waitFor()
    await eventually(scene.client, ['v1', 'Pod'], (pods) => pods.length === 0, inDefault)
  })
})
