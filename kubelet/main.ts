import { run } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { createKubelet } from './create-kubelet.ts'

process.exit(await run({ name: 'kubelet', summary: 'runs the pods of this node on its Docker Engine', settings, create: createKubelet }))
