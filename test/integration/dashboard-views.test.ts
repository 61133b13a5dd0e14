import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { goTo, picture } from '../harness/browser.ts'
import { type DashboardScene, refuseInaccessible, startDashboardScene } from '../harness/dashboard.ts'
import { soon } from '../harness/soon.ts'

/** What the first view may weigh, gzipped. */
const MOST_BYTES = 150 * 1024
const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`

describe('the dashboard in a browser', { timeout: 240_000 }, () => {
  let scene: DashboardScene
  let admin: string
  before(async () => {
    scene = await startDashboardScene()
    const { client } = scene
    admin = await scene.tokenFor('boss', 'cluster-admin')
    await client.create('apps/v1', 'Deployment', {
      metadata: { namespace: 'default', name: 'web', labels: { app: 'web' }, annotations: { note: HOSTILE } },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'nginx', image: 'nginx' }] } },
      },
    })
  })
  after(() => scene?.stop())

  it('the overview counts nodes and pods, and goes on counting', async (t) => {
    const page = await scene.open(t, admin)
    const pods = page.getByLabel('Pods', { exact: true })
    await soon(async () => assert.match(await pods.innerText(), /Pods 3\s+Running 3/))
    assert.match(await page.getByLabel('Nodes', { exact: true }).innerText(), /Nodes 2\s+Ready 2/)
    await page.getByText('system:serviceaccount:kube-system:boss').waitFor()
    await scene.client.patch(
      'apps/v1',
      'Deployment',
      { namespace: 'default', name: 'web' },
      { type: 'merge', body: { spec: { replicas: 4 } } },
    )
    await soon(async () => assert.match(await pods.innerText(), /Pods 4\s+Running 4/))
    await picture(page, 'overview')
  })

  it('a table is what the server prints: filtered, sorted, by namespace and label, live', async (t) => {
    const page = await scene.open(t, admin, { path: '/kinds/core/configmaps?namespace=default' })
    const names = () => page.locator('tbody a').allInnerTexts()
    await page.locator('tbody a').first().waitFor()
    for (const name of ['c-10', 'c-9']) {
      await scene.client.create('v1', 'ConfigMap', { metadata: { namespace: 'default', name, labels: { made: name } }, data: { a: '1' } })
    }
    await soon(async () => assert.deepEqual(await names(), ['c-9', 'c-10', 'kube-root-ca.crt']))
    await page.getByRole('button', { name: 'Name' }).click()
    await page.getByRole('button', { name: 'Name' }).click()
    await soon(async () => assert.deepEqual(await names(), ['kube-root-ca.crt', 'c-10', 'c-9']))
    await page.getByLabel('Filter', { exact: true }).fill('made=c-9')
    await soon(async () => assert.deepEqual(await names(), ['c-9']))
    await page.reload()
    await soon(async () => assert.deepEqual(await names(), ['c-9'], 'the address keeps what was chosen'))
    await page.getByLabel('Filter', { exact: true }).fill('')
    await page.getByLabel('Label selector').fill('made in (c-10)')
    await page.getByLabel('Label selector').press('Enter')
    await soon(async () => assert.deepEqual(await names(), ['c-10']))
    await scene.client.delete('v1', 'ConfigMap', { namespace: 'default', name: 'c-10' })
    await page.getByText('There are none.').waitFor()
    await page.getByLabel('Label selector').fill('!!')
    await page.getByLabel('Label selector').press('Enter')
    await page.getByText(/unable to parse requirement/).waitFor()
  })

  it('kinds that are made at run time appear, with the columns of their definition', async (t) => {
    const page = await scene.open(t, admin)
    await scene.client.create('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
      metadata: { name: 'ships.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'ships', singular: 'ship', kind: 'Ship', listKind: 'ShipList' },
        versions: [
          {
            ...{ name: 'v1', served: true, storage: true },
            schema: {
              openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { masts: { type: 'integer' } } } } },
            },
            additionalPrinterColumns: [{ name: 'Masts', type: 'integer', jsonPath: '.spec.masts' }],
          },
        ],
      },
    })
    await page.getByRole('link', { name: 'Ship', exact: true }).click()
    const body = { apiVersion: 'example.com/v1', kind: 'Ship', metadata: { name: 'pinta' }, spec: { masts: 3 } }
    assert.equal((await scene.api.call(scene.api.admin, 'POST', '/apis/example.com/v1/namespaces/default/ships', body)).code, 201)
    await page.getByRole('link', { name: 'pinta' }).waitFor()
    assert.match(await page.locator('thead').innerText(), /Masts/)
    await page.getByRole('link', { name: 'pinta' }).click()
    await page.getByRole('heading', { name: 'pinta' }).waitFor()
  })

  it('an object: summary, conditions, what is its own, events, YAML; markup in it is text', async (t) => {
    const page = await scene.open(t, admin, { path: '/objects/apps/deployments/default/web' })
    await page.getByRole('heading', { name: 'Conditions' }).waitFor()
    await page.getByText('MinimumReplicasAvailable').waitFor()
    const set = page.locator('.tree a').filter({ hasText: /^web-/ })
    await set.waitFor()
    await page.getByText('Annotations').click()
    await page.getByText(HOSTILE).waitFor()
    await picture(page, 'deployment')
    await page.getByRole('link', { name: 'yaml' }).click()
    await page.getByText(/replicas: \d/).waitFor()
    await page.getByRole('link', { name: 'events' }).click()
    await page
      .getByText(/Scaled up replica set/)
      .first()
      .waitFor()
    assert.equal(await page.evaluate('document.title'), 'Coxswain')
  })

  it('more rows than one page of a list: few of them are in the page, all can be reached', async (t) => {
    const page = await scene.open(t, admin)
    const namespace = 'many'
    await scene.client.create('v1', 'Namespace', { metadata: { name: namespace } })
    const numbers = Array.from({ length: 1_200 }, (_, index) => index)
    const make = async () => {
      for (let number = numbers.pop(); number !== undefined; number = numbers.pop()) {
        await scene.client.create('v1', 'ConfigMap', { metadata: { namespace, name: `row-${number}` } })
      }
    }
    await Promise.all(Array.from({ length: 16 }, make))
    await goTo(page, `${scene.url}/kinds/core/configmaps?namespace=${namespace}`)
    await page.getByText(/^1201$/).waitFor()
    const box = page.locator('.table')
    assert.ok((await page.locator('tbody tr').count()) < 120)
    await box.evaluate((element) => (element.scrollTop = element.scrollHeight))
    await page.getByRole('link', { name: 'row-1199' }).waitFor()
    assert.ok((await page.locator('tbody tr').count()) < 120)
    await page.getByRole('link', { name: 'row-1199' }).focus()
    await page.keyboard.press('k')
    await soon(async () => assert.equal(await page.evaluate('document.activeElement.textContent'), 'row-1198'))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'row-1198' }).waitFor()
  })

  it('nothing is in the way of people who hear the page or use no mouse, dark and light, on small screens', async (t) => {
    const page = await scene.open(t, admin, { bypassCSP: true })
    for (const path of [
      '/',
      '/kinds/core/pods',
      '/objects/apps/deployments/default/web',
      '/objects/apps/deployments/default/web?tab=yaml',
    ]) {
      await goTo(page, `${scene.url}${path}`)
      await page.getByText('Others').waitFor()
      await page.locator('h1').waitFor()
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme })
        await refuseInaccessible(page)
      }
    }
    await page.setViewportSize({ width: 360, height: 640 })
    await goTo(page, `${scene.url}/kinds/core/pods`)
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.getByRole('link', { name: 'Deployment', exact: true }).click()
    await page.getByRole('heading', { name: 'Deployment' }).waitFor()
    assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true)
    await picture(page, 'small')
  })

  it(`the first view is here at once, and weighs less than ${MOST_BYTES} bytes`, async (t) => {
    const page = await scene.open(t, admin)
    await page.reload()
    await page.getByLabel('Pods', { exact: true }).filter({ hasText: 'Running' }).waitFor()
    const files = await page.evaluate<string[]>(
      "performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => /[.](js|css|svg)$/.test(name))",
    )
    assert.ok(files.length >= 2, files.join())
    const bodies = await Promise.all([scene.url, ...files].map(async (file) => Buffer.from(await (await fetch(file)).arrayBuffer())))
    const bytes = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0)
    assert.ok(bytes < MOST_BYTES, `${bytes} bytes`)
    t.diagnostic(`${bytes} bytes gzipped`)
  })

  it('who may do little sees clear refusals, and what they may', async (t) => {
    const token = await scene.tokenFor('guest')
    await scene.client.create('rbac.authorization.k8s.io/v1', 'RoleBinding', {
      metadata: { namespace: 'default', name: 'guest' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', namespace: 'kube-system', name: 'guest' }],
    })
    const page = await scene.open(t, token)
    const refusal = /nodes is forbidden: User "system:serviceaccount:kube-system:guest" cannot list resource "nodes"/
    await page.getByText(refusal).waitFor()
    await goTo(page, `${scene.url}/kinds/core/pods`)
    await page.getByText(/pods is forbidden/).waitFor()
    await page.getByLabel('Namespace', { exact: true }).fill('default')
    await page.getByLabel('Namespace', { exact: true }).press('Enter')
    await page.getByRole('link', { name: /^web-/ }).first().waitFor()
    await picture(page, 'few-rights')
    const [node] = (await scene.client.list('v1', 'Node')).items
    const owner = { apiVersion: 'v1', kind: 'Node', name: node!.metadata.name!, uid: node!.metadata.uid! }
    await scene.client.create('v1', 'ConfigMap', { metadata: { namespace: 'default', name: 'owned', ownerReferences: [owner] } })
    await goTo(page, `${scene.url}/objects/core/configmaps/default/owned`)
    await page.getByText(/nodes "node-\d" is forbidden/).waitFor()
  })

  it('a link that is opened where the page is already signs in; a place in the page is no code', async (t) => {
    const page = await scene.open(t, admin)
    await page.goto(`${scene.url}/#content`)
    await page.reload()
    await page.getByText('system:serviceaccount:kube-system:boss').waitFor()
    await page.goto(await scene.linkFor(await scene.tokenFor('mate', 'view')))
    await page.getByText('system:serviceaccount:kube-system:mate', { exact: true }).waitFor()
    assert.equal(await page.evaluate('location.hash'), '', 'the code is not kept in the address')
  })

  it('a session that is over, and a server that is gone, are said', async (t) => {
    const token = await scene.tokenFor('leaver', 'view')
    const page = await scene.open(t, token, { path: '/kinds/core/pods' })
    await page.getByRole('link', { name: /^web-/ }).first().waitFor()
    await scene.client.delete('v1', 'ServiceAccount', { namespace: 'kube-system', name: 'leaver' })
    await goTo(page, `${scene.url}/kinds/core/services`)
    await page.getByText(/The session is over/).waitFor()
    await page.getByLabel('Token').fill(admin)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('link', { name: 'kubernetes', exact: true }).waitFor()
    await scene.dashboard.stop()
    await page.getByText('not connected').waitFor()
    await page.getByText(/What is shown is what was last known/).waitFor()
  })
})
