import { GrpcError } from '../../../shared/grpc/grpc-client.ts'
import { parseImageReference } from '../../images/image-reference.ts'
import { type ContainerRuntime, type ImageStatus, RuntimeError } from '../container-runtime.ts'
import type { CriClient } from './cri-client.ts'
import type { CriImage } from './cri-messages.ts'
import { forgiving } from './cri-sandboxes.ts'

/** A pull takes as long as the network does. */
const NO_LIMIT = Number.POSITIVE_INFINITY

type Images = Pick<ContainerRuntime, 'listImages' | 'imageStatus' | 'pullImage' | 'removeImage'>

/** Images in the runtime's store. */
export function criImages(cri: CriClient): Images {
  async function imageStatus(reference: string, signal: AbortSignal): Promise<ImageStatus | undefined> {
    if (!parseImageReference(reference)) return undefined
    const { image } = await cri.call('ImageStatus', { image: { image: reference } }, { signal })
    return image ? statusOf(image) : undefined
  }

  return {
    imageStatus,
    async pullImage(reference, credentials, signal) {
      if (!parseImageReference(reference)) {
        const message = `Failed to apply default image tag ${JSON.stringify(reference)}: couldn't parse image name`
        throw new RuntimeError('InvalidImageName', message)
      }
      const request = { image: { image: reference }, ...(credentials ? { auth: { ...credentials } } : {}) }
      try {
        await cri.call('PullImage', request, { signal, patience: NO_LIMIT })
      } catch (error) {
        if (error instanceof GrpcError) throw new RuntimeError('ErrImagePull', error.message, { cause: error })
        throw error
      }
      const image = await imageStatus(reference, signal)
      if (!image) throw new RuntimeError('ErrImagePull', `the runtime pulled ${reference} but does not have it`)
      return image
    },
    async listImages(signal) {
      const { images } = await cri.call('ListImages', {}, { signal })
      return images.map(statusOf)
    },
    async removeImage(id, signal) {
      await forgiving(cri.call('RemoveImage', { image: { image: id } }, { signal }))
    },
  }
}

function statusOf(image: CriImage): ImageStatus {
  return {
    id: image.id,
    tags: image.repoTags,
    digests: image.repoDigests,
    sizeBytes: Number(image.size),
    user: image.uid ? image.uid.value : image.username || undefined,
    ...(image.pinned ? { pinned: true } : {}),
  }
}
