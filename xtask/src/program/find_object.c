/* gcc's unwinder asks glibc where the frame information of an address is. musl has only the older way. */
#define _GNU_SOURCE
#include <link.h>
#include <stddef.h>

/* As in glibc's <dlfcn.h>, 2.35. */
struct dl_find_object {
    unsigned long long flags;
    void *map_start, *map_end;
    void *link_map;
    void *eh_frame;
    unsigned long long reserved[7];
};

struct search {
    ElfW(Addr) address;
    struct dl_find_object *found;
};

static int look(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    void *start = NULL, *end = NULL, *eh_frame = NULL;
    (void)size;
    for (int at = 0; at < info->dlpi_phnum; at++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[at];
        ElfW(Addr) from = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && search->address >= from && search->address < from + segment->p_memsz) {
            start = (void *)from;
            end = (void *)(from + segment->p_memsz);
        } else if (segment->p_type == PT_GNU_EH_FRAME) {
            eh_frame = (void *)from;
        }
    }
    if (start == NULL || eh_frame == NULL) {
        return 0;
    }
    *search->found = (struct dl_find_object){.map_start = start, .map_end = end, .eh_frame = eh_frame};
    return 1;
}

int _dl_find_object(void *address, struct dl_find_object *found) {
    struct search search = {(ElfW(Addr))address, found};
    return dl_iterate_phdr(look, &search) == 1 ? 0 : -1;
}
