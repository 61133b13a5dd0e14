import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connectClient } from '../shared/client/connect.ts'
import { inputLimits } from '../shared/limits/input-limits.ts'
import { Metrics } from '../shared/metrics/metrics.ts'
import { addProcessMetrics } from '../shared/metrics/process-metrics.ts'
import { createHealthServer } from '../shared/process/health-server.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import type { DashboardConfig } from './config.ts'
import { Front } from './server/front.ts'
import { LiveSockets } from './server/live-sockets.ts'
import { PageFiles } from './server/page-files.ts'
import { PassThrough } from './server/pass-through.ts'
import { SignInLinks } from './server/sign-in-links.ts'

/** What `tools/build-dashboard.ts` made of `view/`. */
const BUILT = join(import.meta.dirname, 'built')

export interface DashboardService extends Service {
  /** Where it listens; 0 before it does. */
  readonly port: number
}

/** Builds the server of the dashboard: files, and a way to the API server for what people bring. Nothing listens before `start`. */
export function createDashboard(config: DashboardConfig, { clock, random, log, connect }: ProcessTools): DashboardService {
  const { anonymous, close } = (connect ?? connectClient)({ kubeconfig: config.kubeconfig, clock, random, userAgent: 'dashboard' })
  const pass = new PassThrough(anonymous, log)
  const live = new LiveSockets({ transport: anonymous, clock, log })
  const links = new SignInLinks({ clock, isSomebody: (token) => pass.isSomebody(token) })
  const front = new Front({ names: config.allowedHosts, files: new PageFiles(BUILT), pass, live, links, log })
  const server = createServer({ maxHeaderSize: 64 * 1024, headersTimeout: inputLimits.headSeconds * 1000 })
  server.on('request', (request, response) => void front.answer(request, response))
  server.on('upgrade', (request, socket, head) => front.upgrade(request, socket, head))
  const metrics = new Metrics()
  addProcessMetrics(metrics)
  metrics.gaugeFrom('coxswain_dashboard_streams', 'Watches and logs that pages follow.', () => [[{}, live.streams]])
  const health = createHealthServer({ host: config.healthBindAddress, port: config.healthPort }, { metrics })
  let port = 0
  return {
    get port() {
      return port
    },
    async start() {
      if (config.healthPort !== 0) await health.start()
      server.listen(config.port, config.bindAddress)
      await once(server, 'listening')
      port = (server.address() as AddressInfo).port
      log.info('serving the dashboard', { address: config.bindAddress, port })
    },
    async stop() {
      live.close()
      close()
      server.closeAllConnections()
      if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()))
      if (config.healthPort !== 0) await health.stop()
    },
  }
}
