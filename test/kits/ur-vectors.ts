/** Frames that another implementation of BCR-2020-005 made (@gandlaf21/bc-ur 1.1.12), by their number, and the text of which they are. */
export const UR_TEXT = `cashuB${'abcdefghij'.repeat(40)}`

/** At most 50 bytes in a frame. */
export const UR_FRAMES: Readonly<Record<number, string>> = {
  1: 'ur:bytes/1-9/lpadascfadnlcymeeydruohddmhkadmtiahsjkiskpfwhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyiolyzcptqz',
  9: 'ur:bytes/9-9/lpasascfadnlcymeeydruohddmimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimaeaeaeaeaelfatiaht',
  10: 'ur:bytes/10-9/lpbkascfadnlcymeeydruohddmisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiatlpeyllt',
  11: 'ur:bytes/11-9/lpbdascfadnlcymeeydruohddmieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinhyfwfrgd',
  12: 'ur:bytes/12-9/lpbnascfadnlcymeeydruohddmeoimwzbnadcsaabgcpaeayayaebkambnaababkaeayayaebkambnaababkaeayayaebkambnaababkaeayayaebkambnfwhtgwam',
  13: 'ur:bytes/13-9/lpbtascfadnlcymeeydruohddmhnhsimjeiejlhnjejziohnhsimjeiejlhnjejziohnhsimjeiejlhnjejziohnhsimjeiejlhnjejziohnhsimjeiejldsampspk',
  14: 'ur:bytes/14-9/lpbaascfadnlcymeeydruohddmecjzwtbabscmamcydraobabaaoayayaoamamaoaobabaaoayayaoamamaoaobabaaoayayaoamamaoaobajlhnjejziotkpdessk',
  15: 'ur:bytes/15-9/lpbsascfadnlcymeeydruohddmieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinpldlaxhl',
  16: 'ur:bytes/16-9/lpbeascfadnlcymeeydruohddmhebtmojnjejkhnkifwjeiejlhnjejziohnhsimjeiejlhnjejziohnhsimjeiejlhnjejziohnhsimjeiejlhnjejzioimmygygd',
  17: 'ur:bytes/17-9/lpbyascfadnlcymeeydruohddmbabaaoayayaoamamaoaobabaaoayayaoamamaoaobabaaoayayaoamamaoaobabaaoayayaoamamaoaobajlhnjejziolneyenmw',
  18: 'ur:bytes/18-9/lpbgascfadnlcymeeydruohddmimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimaeaeaeaeaebyqdwlao',
  19: 'ur:bytes/19-9/lpbwascfadnlcymeeydruohddmhlahnyjljnkpidlbgsihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhskblfwdyk',
  20: 'ur:bytes/20-9/lpbbascfadnlcymeeydruohddmehidzsbaatckambedwbabkaeayayaebkambnaababkaeayayaebkambnaababkaeayayaebkambnaababkhsimjeiejllnfggyls',
  21: 'ur:bytes/21-9/lpbzascfadnlcymeeydruohddmgoatnsinjlktjzjsgljnjtihjtjlisiajzjniyjnjtihjtjlisiajzjniyjnjtihjtjlisiajzjniyjnjtaabnbnbnamasjksfjl',
  22: 'ur:bytes/22-9/lpcmascfadnlcymeeydruohddmieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinimhsidiaieihiyioisinpdbzmtcn',
  23: 'ur:bytes/23-9/lpchascfadnlcymeeydruohddmhpasnnhsiokpimktgsjlhnjejziohnhsimjeiejlhnjejziohnhsimjeiejlhnjejziohnhsimjeiejlhnjejziohnhshdbnsoes',
  24: 'ur:bytes/24-9/lpcscsascfadnlcymeeydruohddmaoayayaoamamaoaobabaaoayayaoamamaoaobabaaoayayaoamamaoaobabaaoayayaoamamaoaobabaaoinimhsidiayntalbst',
  25: 'ur:bytes/25-9/lpcscfascfadnlcymeeydruohddmeshnztayahceayckdmamaoaobabaaoayayaoamamaoaobabaaoayayaoamamaoaobabaaoayayaoamamaoiajzjniyjncwiomhbn',
}

/** A text that fits into one. */
export const UR_SHORT = { text: 'cashuBshort', frame: 'ur:bytes/griahsjkiskpfwjkisjljpjyprutfsps' }
