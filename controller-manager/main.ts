import { run } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { createControllerManager } from './create-controller-manager.ts'

process.exit(
  await run({
    name: 'controller-manager',
    summary: 'the control loops: desired against actual state',
    settings,
    create: createControllerManager,
  }),
)
