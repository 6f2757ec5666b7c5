#pragma once
#include <stdint.h>

/// Computes the SHA-256 digest of bytes with the system's libcrypto.
///
/// `digest` has room for 32 bytes. Returns 1, or 0 when the library fails (no memory, or SHA-256 is switched off).
int clibcrypto_sha256(const uint8_t *bytes, int64_t count, uint8_t *digest);

/// A list of revoked certificates (RFC 5280, section 5).
typedef struct clibcrypto_crl clibcrypto_crl;

/// Reads the lists in PEM text into `lists`, at most `most` of them. Returns their number; -1 if one is malformed or there are more.
int clibcrypto_crl_read(const uint8_t *pem, int64_t count, clibcrypto_crl **lists, int most);

/// Frees a list.
void clibcrypto_crl_free(clibcrypto_crl *list);

/// Returns 1 if an authority with this certificate (DER) has issued and signed the list, 0 otherwise.
int clibcrypto_crl_is_of_authority(clibcrypto_crl *list, const uint8_t *certificate, int64_t count);

/// Returns 1 if the list has an extension that must be understood, such as that of a partial list; 0 otherwise.
int clibcrypto_crl_has_critical_extension(clibcrypto_crl *list);

/// Returns the time by which the next list is issued, in seconds since 1970; 0 if the list does not tell.
int64_t clibcrypto_crl_next_update(clibcrypto_crl *list);

/// Copies the name of the issuer, as one line, into `text`, which has room for `room` bytes with the final zero.
void clibcrypto_crl_issuer(clibcrypto_crl *list, char *text, int room);

/// Returns 1 if the certificate (DER) is of the issuer of the list and revoked, 0 if it is of the issuer and not revoked, -1 if it
/// is of another issuer or cannot be read.
int clibcrypto_crl_revokes(clibcrypto_crl *list, const uint8_t *certificate, int64_t count);

/// The authorities of certificates and their lists of revoked certificates.
typedef struct clibcrypto_store clibcrypto_store;

/// Creates an empty store. Returns NULL if there is no memory.
clibcrypto_store *clibcrypto_store_new(void);

/// Frees a store.
void clibcrypto_store_free(clibcrypto_store *store);

/// Adds the certificate (DER) of an authority. Returns 1, or 0 if it cannot be used.
int clibcrypto_store_add_authority(clibcrypto_store *store, const uint8_t *certificate, int64_t count);

/// Adds a list. Returns 1, or 0 if it cannot be used. The list may be freed afterwards.
int clibcrypto_store_add_list(clibcrypto_store *store, clibcrypto_crl *list);

/// What is wrong with a chain of certificates.
typedef enum clibcrypto_objection : int {
    /// Nothing is wrong.
    clibcrypto_none = 0,
    /// A certificate was revoked.
    clibcrypto_revoked = 1,
    /// The issuer of a certificate has no list of revoked certificates.
    clibcrypto_no_list = 2,
    /// The list of the issuer of a certificate should have been replaced, or is not valid yet.
    clibcrypto_outdated_list = 3,
    /// Another reason, in words.
    clibcrypto_other = 4,
} clibcrypto_objection;

/// Verifies the chain of a TLS client, up to an authority without issuer, and that none of its certificates is revoked.
///
/// `certificates` points to `number` certificates (DER) of `counts` bytes, that of the client
/// first. `now` is in seconds since 1970. `position` receives the position in the verified chain of the certificate with the
/// objection, 0 for that of the client; `subject` and `issuer` its names and `words` a reason, each as one line of at most `room`
/// bytes with the final zero.
clibcrypto_objection clibcrypto_verify_client(
    clibcrypto_store *store, const uint8_t *const *certificates, const int64_t *counts, int number, int64_t now, int *position,
    char *subject, char *issuer, char *words, int room);
