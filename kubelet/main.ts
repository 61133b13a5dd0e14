import { run } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { kubeletConfiguration as configFile } from './config-file.ts'
import { createKubelet } from './create-kubelet.ts'

const summary = 'runs the pods of this node on its Docker Engine'
process.exit(await run({ name: 'kubelet', summary, settings, configFile, create: createKubelet }))
