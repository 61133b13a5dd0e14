import { run } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { createApiServer } from './create-apiserver.ts'

process.exit(
  await run({
    name: 'apiserver',
    summary: 'the Kubernetes API, and the only process that opens the store',
    settings,
    create: createApiServer,
  }),
)
