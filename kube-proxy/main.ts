import { run } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { createKubeProxy } from './create-kube-proxy.ts'

process.exit(await run({ name: 'kube-proxy', summary: 'forwards Services to their Pods on this node', settings, create: createKubeProxy }))
