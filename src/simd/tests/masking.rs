use super::*;

#[test]
fn masks_in_place_at_every_length_and_alignment() {
    let payload = noise(*ALL_LENGTHS.end());
    let expected = masked(&payload);
    for kernels in tiers() {
        for len in ALL_LENGTHS {
            for offset in 0..64 {
                let mut buffer = Surrounded::new(&payload[..len], offset);
                kernels.mask(buffer.payload(), Mask::new(KEY));
                assert_eq!(
                    buffer.payload(),
                    &expected[..len],
                    "{}, length {len}, offset {offset}",
                    kernels.tier()
                );
                buffer.assert_surroundings_untouched();
            }
        }
    }
}

#[test]
fn copies_masked_at_every_length_and_alignment() {
    let payload = noise(*ALL_LENGTHS.end());
    let expected = masked(&payload);
    for kernels in tiers() {
        for len in ALL_LENGTHS {
            for from in OFFSETS {
                let mut source = Surrounded::new(&payload[..len], from);
                for to in 0..64 {
                    let mut target = Surrounded::room(len, to);
                    let written =
                        kernels.copy_masked(source.payload(), target.uninit(), Mask::new(KEY));
                    assert_eq!(
                        written,
                        &expected[..len],
                        "{}, length {len}, from {from} to {to}",
                        kernels.tier()
                    );
                    target.assert_surroundings_untouched();
                }
            }
        }
    }
}

#[test]
fn masks_long_payloads() {
    for len in LONG_LENGTHS {
        let payload = noise(len);
        let expected = masked(&payload);
        for kernels in tiers() {
            for offset in OFFSETS {
                let context = format!("{}, length {len}, offset {offset}", kernels.tier());
                let mut buffer = Surrounded::new(&payload, offset);
                kernels.mask(buffer.payload(), Mask::new(KEY));
                assert_eq!(buffer.payload(), expected, "{context}");
                buffer.assert_surroundings_untouched();

                let mut source = Surrounded::new(&payload, offset);
                for to in OFFSETS {
                    let mut target = Surrounded::room(len, to);
                    let written =
                        kernels.copy_masked(source.payload(), target.uninit(), Mask::new(KEY));
                    assert_eq!(written, expected, "{context} to {to}");
                    target.assert_surroundings_untouched();
                }
            }
        }
    }
}

#[test]
fn masks_long_payloads_that_end_around_the_edge_of_a_page() {
    const PAGE: usize = 4096;
    const FENCE_LEN: usize = 64;
    let mut memory = vec![0; 4 * PAGE];
    let edge = memory.as_ptr().addr().wrapping_neg() % PAGE + 2 * PAGE;
    for len in [257, 260, 287, 288, 300, 4096, 5000] {
        let payload = noise(len);
        let fence = [FENCE; FENCE_LEN].as_slice();
        let expected = [fence, &masked(&payload), fence].concat();
        for (kernels, end) in
            tiers().flat_map(|kernels| (edge - 40..edge + 40).map(move |end| (kernels, end)))
        {
            let place = end - len - FENCE_LEN..end + FENCE_LEN;
            let context = format!("{}, length {len}, end {end}, edge {edge}", kernels.tier());

            memory[place.clone()].fill(FENCE);
            memory[end - len..end].copy_from_slice(&payload);
            kernels.mask(&mut memory[end - len..end], Mask::new(KEY));
            assert_eq!(memory[place.clone()], expected, "{context}");

            memory[place.clone()].fill(FENCE);
            kernels.copy_masked_into(&payload, &mut memory[end - len..end], Mask::new(KEY));
            assert_eq!(memory[place], expected, "{context}, copied");
        }
    }
}

#[test]
fn keeps_the_phase_across_every_cut() {
    let payload = noise(*ALL_LENGTHS.end());
    let expected = masked(&payload);
    let mask = Mask::new(KEY);
    for kernels in tiers() {
        for len in ALL_LENGTHS {
            for cut in 0..=len {
                let mut buffer = payload[..len].to_vec();
                let (first, second) = buffer.split_at_mut(cut);
                kernels.mask(first, mask);
                kernels.mask(second, mask.advance(cut));
                assert_eq!(buffer, &expected[..len], "{}, cut {cut} of {len}", kernels.tier());
            }
        }
    }
}

#[test]
fn the_null_key_changes_nothing() {
    let payload = noise(300);
    for kernels in tiers() {
        for len in ALL_LENGTHS {
            let mut buffer = payload[..len].to_vec();
            kernels.mask(&mut buffer, Mask::NONE);
            assert_eq!(buffer, &payload[..len]);
        }
    }
}

#[test]
fn a_short_target_takes_what_fits() {
    let payload = noise(300);
    for kernels in tiers() {
        let mut target = Surrounded::room(77, 5);
        let written = kernels.copy_masked(&payload, target.uninit(), Mask::new(KEY));
        assert_eq!(written, masked(&payload[..77]));
        target.assert_surroundings_untouched();

        let mut target = Surrounded::room(77, 5);
        kernels.copy_masked_into(&payload, target.payload(), Mask::new(KEY));
        assert_eq!(target.payload(), masked(&payload[..77]));
        target.assert_surroundings_untouched();

        let text = texts(300)[0].clone();
        let mut target = Surrounded::room(77, 5);
        let copied = kernels.copy_text(&masked(&text), target.uninit(), Mask::new(KEY)).unwrap();
        assert_eq!(copied.as_bytes(), &text[..77]);
        target.assert_surroundings_untouched();
    }
}
