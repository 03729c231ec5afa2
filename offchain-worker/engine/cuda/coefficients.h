// The constants of exp, ln and sigmoid, as bits: primitives/numerics/src/scalar/coefficients.rs.
// Written by `SABHA_WRITE=1 cargo test -p sabha-engine coefficients`; the test fails where they differ.

#define LOG2_E 0x3fb8aa3bu
#define ROUND 0x4b400000u
#define LN_2_HIGH 0x3f317218u
#define LN_2_LOW 0xb102e308u
#define EXP_LEAST 0xc2aeac4fu
#define EXP_GREATEST 0x42b17217u
#define LN_SPLIT 0x3f3504f3u
#define EXP_POLYNOMIAL {0x3ab51e78u, 0x3c091c2cu, 0x3d2aac5fu, 0x3e2aaa4au, 0x3efffffeu, 0x3f800000u, 0x3f800000u}
#define LN_POLYNOMIAL {0x3d8a39fdu, 0xbdef0123u, 0x3df36001u, 0xbdfe1461u, 0x3e119dd1u, 0xbe2aae22u, 0x3e4cd23bu, 0xbe800003u, 0x3eaaaaa4u, 0xbf000000u}
