/** The vectors of NUT-18 and NUT-26: what a request says, and how it is written. */

/** As the NUTs write it. */
export interface RequestVector {
  readonly json: {
    readonly i?: string
    readonly a?: number
    readonly u?: string
    readonly s?: boolean
    readonly m?: readonly string[]
    readonly d?: string
    readonly t?: readonly {
      readonly t: string
      readonly a: string
      readonly g?: readonly (readonly string[])[]
    }[]
    readonly nut10?: {
      readonly k: string
      readonly d: string
      readonly t?: readonly (readonly string[])[]
    }
  }
  readonly encoded: string
}

const mint = ['https://mint.example.com']

export const NUT18: Readonly<Record<string, RequestVector>> = {
  basic: {
    json: {
      i: 'b7a90176',
      a: 10,
      u: 'sat',
      m: ['https://8333.space:3338'],
      t: [
        {
          t: 'nostr',
          a: 'nprofile1qqsgm6qfa3c8dtz2fvzhvfqeacmwm0e50pe3k5tfmvpjjmn0vj7m2tgpz3mhxue69uhhyetvv9ujuerpd46hxtnfduq3wamnwvaz7tmjv4kxz7fw8qenxvewwdcxzcm99uqs6amnwvaz7tmwdaejumr0ds4ljh7n',
          g: [['n', '17']],
        },
      ],
    },
    encoded:
      'creqApWF0gaNhdGVub3N0cmFheKlucHJvZmlsZTFxcXNnbTZxZmEzYzhkdHoyZnZ6aHZmcWVhY213bTBlNTBwZTNrNXRmbXZwamptbjB2ajdtMnRncHozbWh4dWU2OXVoaHlldHZ2OXVqdWVycGQ0Nmh4dG5mZHVxM3dhbW53dmF6N3RtanY0a3h6N2Z3OHFlbnh2ZXd3ZGN4emNtOTl1cXM2YW1ud3Zhejd0bXdkYWVqdW1yMGRzNGxqaDduYWeBgmFuYjE3YWloYjdhOTAxNzZhYQphdWNzYXRhbYF3aHR0cHM6Ly84MzMzLnNwYWNlOjMzMzg',
  },
  complete: {
    json: {
      i: '4840f51e',
      a: 1000,
      u: 'sat',
      s: true,
      m: mint,
      d: 'Product purchase',
      t: [{ t: 'post', a: 'https://api.example.com/pay' }],
      nut10: {
        k: 'P2PK',
        d: '03baf0c3ac220366c2c397bf930579c4163435584f573b10910987c544c59e61f1',
        t: [['purpose', 'offline']],
      },
    },
    encoded:
      'creqAqGF0gaNhdGRwb3N0YWF4G2h0dHBzOi8vYXBpLmV4YW1wbGUuY29tL3BheWFn92FpaDQ4NDBmNTFlYWEZA+hhdWNzYXRhbYF4GGh0dHBzOi8vbWludC5leGFtcGxlLmNvbWFkcFByb2R1Y3QgcHVyY2hhc2Vhc/VlbnV0MTCjYWtkUDJQS2FkeEIwM2JhZjBjM2FjMjIwMzY2YzJjMzk3YmY5MzA1NzljNDE2MzQzNTU4NGY1NzNiMTA5MTA5ODdjNTQ0YzU5ZTYxZjFhdIGCZ3B1cnBvc2Vnb2ZmbGluZQ==',
  },
  'HTTP transport': {
    json: {
      i: 'a2c12f45',
      a: 50,
      u: 'sat',
      m: ['https://cashu.example.com'],
      t: [{ t: 'post', a: 'https://api.example.com/receive' }],
    },
    encoded:
      'creqApWF0gaNhdGRwb3N0YWF4H2h0dHBzOi8vYXBpLmV4YW1wbGUuY29tL3JlY2VpdmVhZ/dhaWhhMmMxMmY0NWFhGDJhdWNzYXRhbYF4GWh0dHBzOi8vY2FzaHUuZXhhbXBsZS5jb20=',
  },
  'Nostr transport': {
    json: {
      i: 'f92a51b8',
      a: 100,
      u: 'sat',
      m: ['https://mint1.example.com', 'https://mint2.example.com'],
      t: [
        {
          t: 'nostr',
          a: 'npub1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq28spj3',
          g: [
            ['n', '17'],
            ['n', '9735'],
          ],
        },
      ],
    },
    encoded:
      'creqApWF0gaNhdGVub3N0cmFheD9ucHViMXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXEyOHNwajNhZ4KCYW5iMTeCYW5kOTczNWFpaGY5MmE1MWI4YWEYZGF1Y3NhdGFtgngZaHR0cHM6Ly9taW50MS5leGFtcGxlLmNvbXgZaHR0cHM6Ly9taW50Mi5leGFtcGxlLmNvbQ==',
  },
  minimal: {
    json: { i: '7f4a2b39', u: 'sat', m: mint },
    encoded: 'creqAo2FpaDdmNGEyYjM5YXVjc2F0YW2BeBhodHRwczovL21pbnQuZXhhbXBsZS5jb20=',
  },
  'NUT-10 locking': {
    json: {
      i: 'c9e45d2a',
      a: 500,
      u: 'sat',
      m: mint,
      nut10: {
        k: 'P2PK',
        d: '02c3b5bb27e361457c92d93d78dd73d3d53732110b2cfe8b50fbc0abc615e9c331',
        t: [['timeout', '3600']],
      },
    },
    encoded:
      'creqApWFpaGM5ZTQ1ZDJhYWEZAfRhdWNzYXRhbYF4GGh0dHBzOi8vbWludC5leGFtcGxlLmNvbWVudXQxMKNha2RQMlBLYWR4QjAyYzNiNWJiMjdlMzYxNDU3YzkyZDkzZDc4ZGQ3M2QzZDUzNzMyMTEwYjJjZmU4YjUwZmJjMGFiYzYxNWU5YzMzMWF0gYJndGltZW91dGQzNjAw',
  },
}

export const NUT26: Readonly<Record<string, RequestVector>> = {
  example: {
    json: { i: 'demo123', a: 1000, u: 'sat', s: true, m: mint, d: 'Coffee payment' },
    encoded:
      'CREQB1QYQQWER9D4HNZV3NQGQQSQQQQQQQQQQRAQPSQQGQQSQQZQG9QQVXSAR5WPEN5TE0D45KUAPWV4UXZMTSD3JJUCM0D5RQQRJRDANXVET9YPCXZ7TDV4H8GXHR3TQ',
  },
  basic: {
    json: {
      i: 'b7a90176',
      a: 10,
      u: 'sat',
      m: ['https://8333.space:3338'],
      t: [
        {
          t: 'nostr',
          // With the key in front, as wallets write it.
          a: 'nprofile1qqsgm6qfa3c8dtz2fvzhvfqeacmwm0e50pe3k5tfmvpjjmn0vj7m2tgpz3mhxue69uhhyetvv9ujuerpd46hxtnfduq3wamnwvaz7tmjv4kxz7fw8qenxvewwdcxzcm99uqs6amnwvaz7tmwdaejumr0ds4ljh7n',
          g: [['n', '17']],
        },
      ],
    },
    encoded:
      'CREQB1QYQQSC3HVYUNQVFHXCPQQZQQQQQQQQQQQQ9QXQQPQQZSQ9MGW368QUE69UHNSVENXVH8XURPVDJN5VENXVUQWQREQYQQZQGZQQSGM6QFA3C8DTZ2FVZHVFQEACMWM0E50PE3K5TFMVPJJMN0VJ7M2TGRQQZSZMSZXYMSXQQHQ9EPGAMNWVAZ7TMJV4KXZ7FWV3SK6ATN9E5K7QCQRGQHY9MHWDEN5TE0WFJKCCTE9CURXVEN9EEHQCTRV5HSXQQSQ9EQ6AMNWVAZ7TMWDAEJUMR0DSACM0T5',
  },
  minimal: {
    json: { i: '7f4a2b39', u: 'sat', m: mint },
    encoded: 'CREQB1QYQQSDMXX3SNYC3N8YPSQQGQQ5QPS6R5W3C8XW309AKKJMN59EJHSCTDWPKX2TNRDAKSYP0LHG',
  },
  'NUT-10 locking': {
    json: {
      i: 'c9e45d2a',
      a: 500,
      u: 'sat',
      m: mint,
      nut10: {
        k: 'P2PK',
        d: '02c3b5bb27e361457c92d93d78dd73d3d53732110b2cfe8b50fbc0abc615e9c331',
        t: [['timeout', '3600']],
      },
    },
    encoded:
      'CREQB1QYQQSCEEV56R2EPJVYPQQZQQQQQQQQQQQ86QXQQPQQZSQXRGW368QUE69UHK66TWWSHX27RPD4CXCEFWVDHK6ZQQTYQSQQGQQGQYYVPJVVEKYDTZVGERWEFNXCCNGDFHVVUNYEPEXDJRWWRYVSMNXEPNVS6NXDENXGCNZVRZXF3KVEFCVG6NQENZVVCXZCNRXCCN2EFEVVENXVGRQQXSWARFD4JK7AT5QSENVVPS2N5FAS',
  },
  'HTTP POST transport': {
    json: {
      i: 'http_test',
      a: 250,
      u: 'sat',
      m: mint,
      t: [{ t: 'post', a: 'https://api.example.com/v1/payment', g: [['custom', 'value1', 'value2']] }],
    },
    encoded:
      'CREQB1QYQQJ6R5W3C97AR9WD6QYQQGQQQQQQQQQQQ05QCQQYQQ2QQCDP68GURN8GHJ7MTFDE6ZUETCV9KHQMR99E3K7MG8QPQSZQQPQGPQQGNGW368QUE69UHKZURF9EJHSCTDWPKX2TNRDAKJ7A339ACXZ7TDV4H8GQCQZ5RXXATNW3HK6PNKV9K82EF3QEMXZMR4V5EQYMWA48',
  },
  'relays of an nprofile': {
    json: {
      i: 'relay_test',
      a: 100,
      u: 'sat',
      m: mint,
      t: [
        {
          t: 'nostr',
          a: 'nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8gprpmhxue69uhhyetvv9unztn90psk6urvv5hxxmmdqyv8wumn8ghj7un9d3shjv3wv4uxzmtsd3jjucm0d5q3samnwvaz7tmjv4kxz7fn9ejhsctdwpkx2tnrdaksxzjpjp',
        },
      ],
    },
    encoded:
      'CREQB1QYQQ5UN9D3SHJHM5V4EHGQSQPQQQQQQQQQQQQEQRQQQSQPGQRP58GARSWVAZ7TMDD9H8GTN90PSK6URVV5HXXMMDQUQGZQGQQYQSYQPQ80CVV07TJDRRGPA0J7J7TMNYL2YR6YR7L8J4S3EVF6U64TH6GKWSXQQMQ9EPSAMNWVAZ7TMJV4KXZ7F39EJHSCTDWPKX2TNRDAKSXQQMQ9EPSAMNWVAZ7TMJV4KXZ7FJ9EJHSCTDWPKX2TNRDAKSXQQMQ9EPSAMNWVAZ7TMJV4KXZ7FN9EJHSCTDWPKX2TNRDAKS2AH7LM',
  },
  description: {
    json: { i: 'desc_test', a: 100, u: 'sat', m: mint, d: 'Test payment description' },
    encoded:
      'CREQB1QYQQJER9WD347AR9WD6QYQQGQQQQQQQQQQQXGQCQQYQQ2QQCDP68GURN8GHJ7MTFDE6ZUETCV9KHQMR99E3K7MGXQQV9GETNWSS8QCTED4JKUAPQV3JHXCMJD9C8G6T0DCFLJJRX',
  },
  'single use': {
    json: { i: 'single_use_true', a: 100, u: 'sat', s: true, m: mint },
    encoded:
      'CREQB1QYQQ7UMFDENKCE2LW4EK2HM5WF6K2QSQPQQQQQQQQQQQQEQRQQQSQPQQQYQS2QQCDP68GURN8GHJ7MTFDE6ZUETCV9KHQMR99E3K7MGX0AYM7',
  },
  'not single use': {
    json: { i: 'single_use_false', a: 100, u: 'sat', s: false, m: mint },
    encoded:
      'CREQB1QYQPQUMFDENKCE2LW4EK2HMXV9K8XEGZQQYQQQQQQQQQQQRYQVQQZQQYQQQSQPGQRP58GARSWVAZ7TMDD9H8GTN90PSK6URVV5HXXMMDQ40L90',
  },
  msat: {
    json: { i: 'unit_msat', a: 1000, u: 'msat', m: mint },
    encoded: 'CREQB1QYQQJATWD9697MTNV96QYQQGQQQQQQQQQQP7SQCQQ3KHXCT5Q5QPS6R5W3C8XW309AKKJMN59EJHSCTDWPKX2TNRDAKSYYMU95',
  },
  usd: {
    json: { i: 'unit_usd', a: 500, u: 'usd', m: mint },
    encoded: 'CREQB1QYQQSATWD9697ATNVSPQQZQQQQQQQQQQQ86QXQQRW4EKGPGQRP58GARSWVAZ7TMDD9H8GTN90PSK6URVV5HXXMMDEPCJYC',
  },
  'several transports': {
    json: {
      i: 'multi_transport',
      a: 500,
      u: 'sat',
      m: mint,
      d: 'Payment with multiple transports',
      t: [
        {
          t: 'nostr',
          a: 'nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8g2lcy6q',
          g: [['n', '17']],
        },
        { t: 'post', a: 'https://api1.example.com/payment' },
        { t: 'post', a: 'https://api2.example.com/payment', g: [['priority', 'backup']] },
      ],
    },
    encoded:
      'CREQB1QYQQ7MT4D36XJHM5WFSKUUMSDAE8GQSQPQQQQQQQQQQQRAQRQQQSQPGQRP58GARSWVAZ7TMDD9H8GTN90PSK6URVV5HXXMMDQCQZQ5RP09KK2MN5YPMKJARGYPKH2MR5D9CXCEFQW3EXZMNNWPHHYARNQUQZ7QGQQYQSYQPQ80CVV07TJDRRGPA0J7J7TMNYL2YR6YR7L8J4S3EVF6U64TH6GKWSXQQ9Q9HQYVFHQUQZWQGQQYPQYQPQDP68GURN8GHJ7CTSDYCJUETCV9KHQMR99E3K7MF0WPSHJMT9DE6QWQP6QYQQZQSZQQSXSAR5WPEN5TE0V9CXJV3WV4UXZMTSD3JJUCM0D5HHQCTED4JKUAQRQQGQSURJD9HHY6T50YRXYCTRDD6HQ6E8MEJ',
  },
  'a Nostr key alone': {
    json: {
      i: 'minimal_nostr',
      u: 'sat',
      m: mint,
      t: [{ t: 'nostr', a: 'nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8g2lcy6q' }],
    },
    encoded:
      'CREQB1QYQQ6MTFDE5K6CTVTAHX7UM5WGPSQQGQQ5QPS6R5W3C8XW309AKKJMN59EJHSCTDWPKX2TNRDAKSWQP8QYQQZQGZQQSRHUXX8L9EX335Q7HE0F09AEJ04ZPAZPL0NE2CGUKYAWD24MAYT8GGJD0H8',
  },
  'a URL alone': {
    json: {
      i: 'minimal_http',
      u: 'sat',
      m: mint,
      t: [{ t: 'post', a: 'https://api.example.com' }],
    },
    encoded:
      'CREQB1QYQQCMTFDE5K6CTVTA58GARSQVQQZQQ9QQVXSAR5WPEN5TE0D45KUAPWV4UXZMTSD3JJUCM0D5RSQ8SPQQQSYQSQZA58GARSWVAZ7TMPWP5JUETCV9KHQMR99E3K7MG5V34PA',
  },
  // The JSON of this one, of the next and of the relays is what their texts say: NUT-26 has another beside them.
  HTLC: {
    json: {
      i: 'htlc_test',
      a: 1000,
      u: 'sat',
      m: mint,
      d: 'HTLC locked payment',
      nut10: {
        k: 'HTLC',
        d: 'a]0e66820bfb412212cf7ab3deb0459ce282a1b04fda76ea6026a67e41ae26f3dc',
        t: [
          ['locktime', '1700000000'],
          ['refund', '033281c37677ea273eb7183b783067f5244933ef78d8c3f15b1a77cb246099c26e'],
        ],
      },
    },
    encoded:
      'CREQB1QYQQJ6R5D3347AR9WD6QYQQGQQQQQQQQQQP7SQCQQYQQ2QQCDP68GURN8GHJ7MTFDE6ZUETCV9KHQMR99E3K7MGXQQF5S4ZVGVSXCMMRDDJKGGRSV9UK6ETWWSYQPTGPQQQSZQSQGFS46VR9XCMRSV3SVFNXYDP3XGERZVNRVCMKZC3NV3JKYVP5X5UKXEFJ8QEXZVTZXQ6XVERPXUMX2CFKXQERVCFKXAJNGVTPV5ERVE3NV33SXQQ5PPKX7CMTW35K6EG2XYMNQVPSXQCRQVPSQVQY5PNJV4N82MNYGGCRXVEJ8QCKXVEHXCMNWETPXGMNXETZXUCNSVMZXUURXVPKXANR2V35XSUNXVM9VCMNSEPCVVEKVVF4VGCKZDEHVD3RYDPKXQUNJCEJXEJS4EHJHC',
  },
  'another unit': {
    json: { i: 'custom_unit', a: 100, u: 'btc', m: mint },
    encoded:
      'CREQB1QYQQKCM4WD6X7M2LW4HXJAQZQQYQQQQQQQQQQQRYQVQQXCN5VVZSQXRGW368QUE69UHK66TWWSHX27RPD4CXCEFWVDHK6PZHCW8',
  },
}
