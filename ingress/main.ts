import { run } from '../shared/process/run.ts'
import { settings } from './config.ts'
import { createIngress } from './create-ingress.ts'

process.exit(await run({ name: 'ingress', summary: 'serves the cluster’s Ingresses to the world', settings, create: createIngress }))
