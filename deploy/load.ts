/** `make load IMAGE="a b"`: images of this machine's Docker for the cluster. */
import { realClock } from '../shared/time/clock.ts'
import { loadImages } from './load-images.ts'
import { runDeployCommand } from './run-deploy-command.ts'
import { CannotGoOn } from './step.ts'

await runDeployCommand(async ({ settings, steps, args }) => {
  if (args.length === 0) throw new CannotGoOn('no image was named', 'make load IMAGE=name:tag')
  for (const image of args) {
    await steps.run(image, async (note) => note((await loadImages(settings, [image], realClock())).length > 0 ? 'sent' : 'was there'))
  }
})
