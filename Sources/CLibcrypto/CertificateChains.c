#include "CLibcrypto.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

static X509_STORE *of(clibcrypto_store *store) { return (X509_STORE *)store; }

static X509 *certificate_from(const uint8_t *bytes, int64_t count) {
    const unsigned char *position = bytes;
    return d2i_X509(NULL, &position, (long)count);
}

clibcrypto_store *clibcrypto_store_new(void) {
    X509_STORE *store = X509_STORE_new();
    if (!store) return NULL;
    X509_VERIFY_PARAM *rules = X509_STORE_get0_param(store);
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_CLIENT);
    // Neither MD5 nor SHA-1, and 1,024 bits of RSA or more.
    X509_VERIFY_PARAM_set_auth_level(rules, 1);
    return (clibcrypto_store *)store;
}

void clibcrypto_store_free(clibcrypto_store *store) { X509_STORE_free(of(store)); }

int clibcrypto_store_add_authority(clibcrypto_store *store, const uint8_t *bytes, int64_t count) {
    X509 *certificate = certificate_from(bytes, count);
    int is_added = certificate && X509_STORE_add_cert(of(store), certificate) == 1;
    X509_free(certificate);
    ERR_clear_error();
    return is_added;
}

int clibcrypto_store_add_list(clibcrypto_store *store, clibcrypto_crl *list) {
    int is_added = X509_STORE_add_crl(of(store), (X509_CRL *)list) == 1;
    ERR_clear_error();
    return is_added;
}

static clibcrypto_objection objection(int error) {
    switch (error) {
        case X509_V_ERR_CERT_REVOKED: return clibcrypto_revoked;
        case X509_V_ERR_UNABLE_TO_GET_CRL: return clibcrypto_no_list;
        case X509_V_ERR_CRL_HAS_EXPIRED:
        case X509_V_ERR_CRL_NOT_YET_VALID: return clibcrypto_outdated_list;
        default: return clibcrypto_other;
    }
}

// Copies the last common name, or the whole name if there is none, as UTF-8.
static void copy_name(const X509_NAME *name, char *text, int room) {
    text[0] = 0;
    int last = -1;
    for (int next; (next = X509_NAME_get_index_by_NID(name, NID_commonName, last)) >= 0;) last = next;
    if (last < 0) {
        X509_NAME_oneline(name, text, room);
        return;
    }
    unsigned char *utf8 = NULL;
    int count = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
    if (count < 0) return;
    if (count >= room) count = room - 1;
    memcpy(text, utf8, (size_t)count);
    text[count] = 0;
    OPENSSL_free(utf8);
}

clibcrypto_objection clibcrypto_verify_client(
    clibcrypto_store *store, const uint8_t *const *certificates, const int64_t *counts, int number, int64_t now, int *position,
    char *subject, char *issuer, char *words, int room) {
    *position = 0;
    subject[0] = issuer[0] = words[0] = 0;
    clibcrypto_objection result = clibcrypto_other;
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    for (int index = 0; chain && index < number; index++) {
        X509 *certificate = certificate_from(certificates[index], counts[index]);
        if (!certificate || sk_X509_push(chain, certificate) <= 0) {
            X509_free(certificate);
            goto end;
        }
    }
    if (!chain || !context || number < 1) goto end;
    if (X509_STORE_CTX_init(context, of(store), sk_X509_value(chain, 0), chain) != 1) goto end;
    X509_STORE_CTX_set_time(context, 0, (time_t)now);
    if (X509_verify_cert(context) == 1) {
        result = clibcrypto_none;
        goto end;
    }
    int error = X509_STORE_CTX_get_error(context);
    result = objection(error);
    *position = X509_STORE_CTX_get_error_depth(context);
    X509 *culprit = X509_STORE_CTX_get_current_cert(context);
    if (culprit) {
        copy_name(X509_get_subject_name(culprit), subject, room);
        copy_name(X509_get_issuer_name(culprit), issuer, room);
    }
    strncat(words, X509_verify_cert_error_string(error), (size_t)room - 1);
end:
    X509_STORE_CTX_free(context);
    sk_X509_pop_free(chain, X509_free);
    ERR_clear_error();
    return result;
}
