import { run } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { createDashboard } from './create-dashboard.ts'

process.exit(
  await run({
    name: 'dashboard',
    summary: 'shows the cluster in a browser, with the rights of who looks',
    settings,
    create: createDashboard,
  }),
)
