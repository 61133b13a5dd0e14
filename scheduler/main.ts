import { run } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { schedulerConfiguration as configFile } from './config-file.ts'
import { createScheduler } from './create-scheduler.ts'

process.exit(await run({ name: 'scheduler', summary: 'finds a node for every Pod', settings, configFile, create: createScheduler }))
