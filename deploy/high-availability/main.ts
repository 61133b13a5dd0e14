import { run } from '../../shared/process/run.ts'
import { ApiDoor } from './api-door.ts'
import { settings } from './config.ts'

process.exit(
  await run({
    name: 'api-door',
    summary: 'one address for several API servers, for clients that know one only',
    settings,
    create: (config, tools) => new ApiDoor(config, tools),
  }),
)
