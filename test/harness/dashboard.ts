import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { settings as controllerSettings } from '../../controller-manager/config.ts'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import { settings as dashboardSettings } from '../../dashboard/config.ts'
import { createDashboard, type DashboardService } from '../../dashboard/create-dashboard.ts'
import { settings as schedulerSettings } from '../../scheduler/config.ts'
import { createScheduler } from '../../scheduler/create-scheduler.ts'
import type { Client } from '../../shared/client/client.ts'
import { connectClient } from '../../shared/client/connect.ts'
import { requestToken } from '../../shared/client/request-token.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { readConfig } from '../../shared/process/config.ts'
import type { Service } from '../../shared/process/run.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { simulatedMachine } from '../../simulation/machines/simulated-machine.ts'
import { buildDashboard } from '../../tools/build-dashboard.ts'
import { accessibilityProblems, type Browser, goTo, launchBrowser, type Page } from './browser.ts'
import { type ServedApi, serveApi } from './served-api.ts'

/** A cluster on real time with two simulated machines, its dashboard, and a browser to look at it. */
export interface DashboardScene {
  readonly api: ServedApi
  readonly client: Client
  readonly browser: Browser
  readonly dashboard: DashboardService
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** A new service account's token; `roles` are bound in all namespaces. */
  tokenFor(name: string, ...roles: readonly string[]): Promise<string>
  /** A one-time link for a token. */
  linkFor(token: string): Promise<string>
  /** A page of a browser of its own that is signed in. What it does wrong fails the test. */
  open(context: TestContext, token: string, options?: { path?: string; bypassCSP?: boolean }): Promise<Page>
  stop(): Promise<void>
}

/** What the browser itself writes of refusals, of servers that stop, and of networks that other tests make meanwhile; the page says so in its own way. */
const EXPECTED = /status of (400|401|403|404|409|422|503)|net::ERR_|WebSocket connection/

export async function startDashboardScene({ machines = 2 }: { machines?: number } = {}): Promise<DashboardScene> {
  const undo: (() => unknown)[] = []
  const stop = async () => {
    for (const action of undo.splice(0).reverse()) await action()
  }
  try {
    return await startParts(machines, undo, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function startParts(machines: number, undo: (() => unknown)[], stop: () => Promise<void>): Promise<DashboardScene> {
  const tools = { clock: realClock(), random: systemRandom(), log: silentLogger() }
  const api = await serveApi()
  undo.push(() => api.stop())
  const [browser] = await Promise.all([launchBrowser(), buildDashboard()])
  undo.push(() => browser.close())
  const credentials = (file: string) => join(api.directory, 'credentials', file)
  const { client, close } = connectClient({ kubeconfig: credentials('admin.kubeconfig'), clock: tools.clock, userAgent: 'test' })
  undo.push(close)
  const sources = (...args: string[]) => ({ args: [...args, '--health-port=0'], env: {} })
  const start = async (service: Service) => {
    undo.push(() => service.stop())
    await service.start()
  }
  const config = sources(`--kubeconfig=${credentials('dashboard/dashboard.kubeconfig')}`, '--port=0')
  const dashboard = createDashboard(readConfig({ name: 'dashboard', summary: '' }, dashboardSettings, config), tools)
  await start(dashboard)
  const forManager = sources(
    ...[`--kubeconfig=${credentials('controller-manager.kubeconfig')}`, '--leader-elect=false', `--root-ca-file=${credentials('ca.crt')}`],
    `--cluster-signing-cert-file=${credentials('signing/ca.crt')}`,
    `--cluster-signing-key-file=${credentials('signing/ca.key')}`,
  )
  await start(await createControllerManager(readConfig({ name: 'controller-manager', summary: '' }, controllerSettings, forManager), tools))
  const forScheduler = sources(`--kubeconfig=${credentials('scheduler.kubeconfig')}`, '--leader-elect=false')
  await start(createScheduler(readConfig({ name: 'scheduler', summary: '' }, schedulerSettings, forScheduler), tools))
  for (let index = 1; index <= machines; index++) {
    const machine = simulatedMachine(client, tools, { name: `node-${index}` })
    undo.push(() => machine.kill())
    await machine.start()
  }
  const url = `http://127.0.0.1:${dashboard.port}`
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return (await answer.json()) as Record<string, string>
  }

  const scene: DashboardScene = {
    ...{ api, client, browser, dashboard, url, stop },
    async tokenFor(name, ...roles) {
      const account = { namespace: 'kube-system', name }
      await client.create('v1', 'ServiceAccount', { metadata: account })
      for (const role of roles) {
        await client.create('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', {
          metadata: { name: `${name}-${role}` },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
          subjects: [{ kind: 'ServiceAccount', ...account }],
        })
      }
      return (await requestToken(client, account, {})).token
    },
    linkFor: async (token) => `${url}/#${(await post('/session/link', { token }))['code']}`,
    async open(context, token, { path = '/', bypassCSP = false } = {}) {
      const apart = await browser.newContext({ bypassCSP, viewport: { width: 1280, height: 800 } })
      const page = await apart.newPage()
      const wrong: string[] = []
      page.on('pageerror', (error) => wrong.push(error.stack ?? error.message))
      page.on('console', (message) => message.type() === 'error' && !EXPECTED.test(message.text()) && wrong.push(message.text()))
      context.after(async () => {
        await apart.close()
        if (wrong.length > 0) throw new Error(`the page said: ${wrong.join('\n')}`)
      })
      await goTo(page, await scene.linkFor(token))
      await page.getByText('live', { exact: true }).waitFor()
      if (path !== '/') await goTo(page, `${url}${path}`)
      return page
    },
  }
  return scene
}

/** Fails with everything that axe-core finds in the page. */
export async function refuseInaccessible(page: Page): Promise<void> {
  const problems = await accessibilityProblems(page)
  if (problems.length > 0) throw new Error(problems.join('\n'))
}
