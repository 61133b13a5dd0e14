import { run } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { createScheduler } from './create-scheduler.ts'
import { schedulerConfiguration as configFile } from './policy/config-file.ts'
import { readPolicy } from './policy/read-policy.ts'

const program = { name: 'scheduler', summary: 'finds a node for every Pod', settings, configFile }
process.exit(await run({ ...program, create: async (config, tools) => createScheduler(config, tools, await readPolicy(config)) }))
