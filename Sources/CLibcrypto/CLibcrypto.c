#include "CLibcrypto.h"

#include <openssl/evp.h>

int clibcrypto_sha256(const uint8_t *bytes, int64_t count, uint8_t *digest) {
    return EVP_Digest(bytes, (size_t)count, digest, NULL, EVP_sha256(), NULL);
}
