/**
 * Loads the services named on the command line and what runs them, so that Node's compile cache holds their code when the image starts for
 * the first time. Loading starts nothing: only main does. Runs in the image, on the JavaScript that strip-types.ts made.
 */
import { flushCompileCache } from 'node:module'

for (const service of process.argv.slice(2)) {
  for (const file of [`${service}/create-${service}.js`, `${service}/config.js`, 'shared/process/run.js']) {
    await import(new URL(`../${file}`, import.meta.url).href)
  }
}
flushCompileCache()
