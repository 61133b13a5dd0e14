/** `make dashboard`: a link that signs its reader in to the dashboard, once. */
import { existsSync } from 'node:fs'
import { realClock } from '../shared/time/clock.ts'
import { dashboardLink } from './dashboard-link.ts'
import { runDeployCommand } from './run-deploy-command.ts'
import { CannotGoOn } from './step.ts'

await runDeployCommand(async ({ settings, print }) => {
  if (!existsSync(settings.kubeconfig))
    throw new CannotGoOn(`there is no ${settings.kubeconfig}: no cluster is up here`, "'make up' starts one")
  print(await dashboardLink(settings, realClock()))
})
