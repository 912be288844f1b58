/* SPDX-License-Identifier: Apache-2.0 */
/*
 * banned.h - functions that must not be used; included before every file of ours (-include).
 *
 * Includes the headers that declare them first, so that only a use is an error. rand() is left to
 * clang-tidy (cert-msc30-c): OpenSSL's headers use the word.
 */
#ifndef MEWS_COMMON_BANNED_H
#define MEWS_COMMON_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll \
    bzero localtime gmtime asctime ctime

#endif
