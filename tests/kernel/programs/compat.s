# SPDX-License-Identifier: Apache-2.0
# 32-bit entry: fork, waitpid, a failed and a successful execve by int $0x80; the child exits 7.
.globl _start
_start:
    mov $2, %eax
    int $0x80
    test %eax, %eax
    jz child
    mov %eax, %ebx
    mov $status, %ecx
    xor %edx, %edx
    mov $7, %eax
    int $0x80
    mov $11, %eax
    mov $absent, %ebx
    mov $argv, %ecx
    xor %edx, %edx
    int $0x80
    mov $11, %eax
    mov $path, %ebx
    mov $argv, %ecx
    xor %edx, %edx
    int $0x80
    mov $1, %eax
    mov $99, %ebx
    int $0x80
child:
    mov $1, %eax
    mov $7, %ebx
    int $0x80
.data
status: .long 0
path: .asciz "/bin/true"
absent: .asciz "/no/such"
word: .asciz "argument"
argv: .long path, word, 0
